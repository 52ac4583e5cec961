#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/checker/registration_rules.h"

namespace scoutlight::checker {
namespace {

using discovery::InstanceName;
using discovery::Status;

std::string NameOf(const DiscoveryRead& read) {
  switch (read.kind) {
    case DiscoveryRead::Kind::kGet:
      return "GetInstance";
    case DiscoveryRead::Kind::kList:
      return "ListInstances";
    case DiscoveryRead::Kind::kResolve:
      return "Resolve";
  }
  return "";
}

InstanceName Named(const DiscoveryRead& read, const std::string& id) { return {read.service.cluster, read.service.service, id}; }

// Who must have been shown if it was there: of a whole list all that ever were.
std::vector<InstanceName> NotShown(const StoreFacts& store, const DiscoveryRead& read) {
  std::set<std::string> shown;
  for (const ShownInstance& instance : read.shown) shown.insert(instance.id);
  if (read.kind == DiscoveryRead::Kind::kGet) {
    if (shown.empty()) return {Named(read, read.id)};
    return {};
  }
  std::vector<InstanceName> missing;
  if (!read.whole) return missing;
  const auto& all = store.timeline.instances();
  for (auto it = all.lower_bound(Named(read, "")); it != all.end(); ++it) {
    if (it->first.cluster != read.service.cluster || it->first.service != read.service.service) break;
    if (!shown.contains(it->first.id)) missing.push_back(it->first);
  }
  return missing;
}

// What is wrong with an answer, if it shows a state of `floor` or later.
std::string FaultOfRead(const StoreFacts& store, const DiscoveryRead& read, Revision floor) {
  const Moment moment{floor, read.returned};
  for (const ShownInstance& instance : read.shown) {
    std::string fault = FaultOfShown(store, Named(read, instance.id), instance, moment);
    if (!fault.empty()) return fault;
  }
  if (read.kind == DiscoveryRead::Kind::kResolve) return "";
  for (const InstanceName& name : NotShown(store, read)) {
    std::string fault = FaultOfAbsent(store, name, moment);
    if (!fault.empty()) return fault;
  }
  return "";
}

bool IsHeld(const ShownInstance& instance) { return instance.status == Status::kOwnerLost; }

std::string FaultOfFlags(const DiscoveryRead& read) {
  const auto held = std::find_if(read.shown.begin(), read.shown.end(), IsHeld);
  if (held != read.shown.end() && !read.guarded && read.kind != DiscoveryRead::Kind::kGet) {
    return absl::StrCat(Text(Named(read, held->id)), " is held, and the service is not said to be guarded");
  }
  if (read.kind == DiscoveryRead::Kind::kList && read.whole && read.guarded && held == read.shown.end()) {
    return absl::StrCat(read.service.service, " is said to be guarded, and nobody is held");
  }
  return "";
}

void Add(Rule rule, const DiscoveryRead& read, absl::string_view fault, Findings* findings) {
  if (fault.empty()) return;
  findings->Add(rule, read.revision, {}, absl::StrCat(NameOf(read), " of client ", read.client, " at ", read.revision, ": ", fault));
}

// What an answered change shows of the instance, and that it did what it says.
std::string FaultOfChange(const StoreFacts& store, const RegistrationCall& call) {
  const Moment moment{call.revision, call.returned};
  switch (call.kind) {
    case CallKind::kRegister:
    case CallKind::kUpdate:
      return FaultOfShown(store, call.name, call.instance, moment);
    case CallKind::kDeregister: {
      if (call.replayed) return "";
      if (!call.found) return FaultOfAbsent(store, call.name, moment);
      const Timeline::States& states = store.timeline.Of(call.name);
      const int index = Timeline::IndexAt(states, call.revision);
      const bool removed = index >= 0 && !states[index].present && states[index].since == call.revision;
      const bool was_held = index >= 0 && !states[index].present && states[index].cause == EventCause::kLeaseExpired;
      return removed || was_held ? "" : absl::StrCat(Text(call.name), " is said to be removed, and was not");
    }
    default:
      return "";
  }
}

// Answered Deregister calls that end a hold, by name.
using Ended = std::multimap<InstanceName, const RegistrationCall*>;

Ended EndedHolds(const RegistrationHistory& history) {
  Ended ended;
  for (const RegistrationCall& call : history.calls) {
    const bool ends = call.kind == CallKind::kDeregister && call.outcome == Outcome::kOk && !call.replayed && call.epoch == 0;
    if (ends) ended.insert({call.name, &call});
  }
  return ended;
}

// A held instance is not shown once somebody has deregistered it.
std::string FaultOfHeld(const StoreFacts& store, const Ended& ended, const DiscoveryRead& read) {
  for (const ShownInstance& instance : read.shown) {
    if (!IsHeld(instance)) continue;
    const InstanceName name = Named(read, instance.id);
    const Timeline::States& states = store.timeline.Of(name);
    const auto [begin, end] = ended.equal_range(name);
    for (auto it = begin; it != end; ++it) {
      const RegistrationCall& call = *it->second;
      if (call.store != read.store || call.returned >= read.called) continue;
      // It is the loss of then if nothing has changed since.
      const int then = Timeline::IndexAt(states, call.revision);
      const bool same = then >= 0 && then + 1 == static_cast<int>(states.size()) && states[then].cause == EventCause::kLeaseExpired;
      if (same) return absl::StrCat(Text(name), " is held, and was deregistered at ", call.revision);
    }
  }
  return "";
}

// An instance that took work all the time.
std::string Missed(const StoreFacts& store, const DiscoveryRead& read) {
  for (const InstanceName& name : NotShown(store, read)) {
    const Timeline::States& states = store.timeline.Of(name);
    const int index = Timeline::IndexAt(states, store.times.FloorAt(read.called));
    bool took_work = index >= 0;
    for (int i = std::max(0, index); took_work && i < static_cast<int>(states.size()); ++i) {
      if (i > index && !store.times.MayBeShown(states[i].since, read.returned)) break;
      took_work = states[i].present && states[i].status == Status::kUp && !states[i].overridden && !states[i].critical;
    }
    if (took_work) return Text(name);
  }
  return "";
}

std::string FaultOfPicks(const StoreFacts& store, const DiscoveryRead& read) {
  for (const ShownInstance& pick : read.shown) {
    if (!pick.resolvable && !IsHeld(pick)) return absl::StrCat(Text(Named(read, pick.id)), " is picked, and takes no work");
    if (pick.status == Status::kDraining) return absl::StrCat(Text(Named(read, pick.id)), " is picked, and is draining");
    if (IsHeld(pick) && !IsHeld(read.shown.front())) return absl::StrCat(Text(Named(read, pick.id)), " is picked, held, beside others");
  }
  for (const Revision floor : {read.revision, store.times.FloorAt(read.called)}) {
    if (std::string fault = FaultOfRead(store, read, floor); !fault.empty()) return fault;
  }
  const bool nobody_live = std::all_of(read.shown.begin(), read.shown.end(), IsHeld);
  if (!nobody_live || !read.whole) return "";
  if (const std::string missed = Missed(store, read); !missed.empty()) {
    return absl::StrCat(read.shown.empty() ? "nobody" : "a held one", " is picked, and ", missed, " takes work");
  }
  return "";
}

template <typename Check>
void ForEachRead(const RegistrationFacts& facts, Check check) {
  for (const DiscoveryRead& read : facts.history.reads) {
    const StoreFacts* const store = facts.Find(read.store);
    if (store != nullptr && read.outcome == Outcome::kOk) check(*store, read);
  }
}

}  // namespace

void CheckReads(const RegistrationFacts& facts, Findings* findings) {
  const Ended ended = EndedHolds(facts.history);
  ForEachRead(facts, [&](const StoreFacts& store, const DiscoveryRead& read) {
    if (findings->full(Rule::kShown) || read.kind == DiscoveryRead::Kind::kResolve) return;
    Add(Rule::kShown, read, FaultOfFlags(read), findings);
    Add(Rule::kShown, read, FaultOfRead(store, read, read.revision), findings);
    Add(Rule::kShown, read, FaultOfHeld(store, ended, read), findings);
  });
  for (const RegistrationCall& call : facts.history.calls) {
    const StoreFacts* const store = facts.Find(call.store);
    if (store == nullptr || call.outcome != Outcome::kOk) continue;
    if (const std::string fault = FaultOfChange(*store, call); !fault.empty()) {
      findings->Add(Rule::kShown, call.revision, {}, absl::StrCat("client ", call.client, " is answered at ", call.revision, ": ", fault));
    }
  }
}

void CheckOwnWrites(const RegistrationFacts& facts, Findings* findings) {
  ForEachRead(facts, [&](const StoreFacts& store, const DiscoveryRead& read) {
    if (findings->full(Rule::kOwnWrites) || read.kind == DiscoveryRead::Kind::kResolve) return;
    const Revision floor = store.times.FloorAt(read.called);
    // What is wrong at its own revision, kShown tells.
    if (floor <= read.revision) return;
    Add(Rule::kOwnWrites, read, FaultOfRead(store, read, floor), findings);
  });
}

void CheckResolves(const RegistrationFacts& facts, Findings* findings) {
  ForEachRead(facts, [&](const StoreFacts& store, const DiscoveryRead& read) {
    if (findings->full(Rule::kResolve) || read.kind != DiscoveryRead::Kind::kResolve) return;
    Add(Rule::kResolve, read, FaultOfFlags(read), findings);
    Add(Rule::kResolve, read, FaultOfPicks(store, read), findings);
  });
}

}  // namespace scoutlight::checker

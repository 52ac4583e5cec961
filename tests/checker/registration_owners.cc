#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/checker/registration_rules.h"

namespace scoutlight::checker {
namespace {

using discovery::InstanceName;
using State = SessionStream::State;

std::string Owner(const InstanceState& state) { return absl::StrCat("session \"", state.session, "\" (epoch ", state.epoch, ")"); }

// Register is refused so behind the fact, too: somebody else took the instance, or it went, before the answer was made.
bool MayHaveRegistered(const RegistrationCall& call) {
  return call.outcome != Outcome::kFailed || call.reason == "FENCED" || call.reason == "INSTANCE_NOT_FOUND";
}

// When somebody first asked for registrations of a name, by session.
class Claims {
 public:
  explicit Claims(const RegistrationHistory& history) {
    for (const RegistrationCall& call : history.calls) {
      if (call.kind == CallKind::kRegister && MayHaveRegistered(call)) Note(call.name, call.session, call.called, call.take_over);
    }
    for (const SessionStream& stream : history.sessions) {
      for (const SessionStream::Declaration& declaration : stream.declarations) {
        for (const InstanceName& name : declaration.set) Note(name, stream.session, declaration.sent, declaration.take_over);
      }
    }
  }

  bool Registered(const InstanceName& name, const std::string& session, Nanos by) const { return Has(registered_, name, session, by); }
  bool TookOver(const InstanceName& name, const std::string& session, Nanos by) const { return Has(taken_over_, name, session, by); }

 private:
  using First = std::map<std::pair<InstanceName, std::string>, Nanos>;

  static bool Has(const First& first, const InstanceName& name, const std::string& session, Nanos by) {
    const auto it = first.find({name, session});
    return it != first.end() && it->second <= by;
  }
  void Note(const InstanceName& name, const std::string& session, Nanos at, bool take_over) {
    for (First* first : {&registered_, take_over ? &taken_over_ : nullptr}) {
      if (first == nullptr) continue;
      Nanos& earliest = first->try_emplace({name, session}, at).first->second;
      earliest = std::min(earliest, at);
    }
  }

  First registered_;
  First taken_over_;
};

// The states of one instance, one after the other.
class OwnerCheck {
 public:
  OwnerCheck(const RegistrationFacts& facts, const StoreFacts& store, const Claims& claims, const InstanceName& name, Findings* findings)
      : facts_(facts), store_(store), claims_(claims), name_(name), findings_(*findings) {}

  void Run() {
    const InstanceState* before = nullptr;
    for (const InstanceState& state : store_.timeline.Of(name_)) {
      if (state.present && state.epoch != 0) Check(before, state);
      before = &state;
    }
  }

 private:
  void Check(const InstanceState* before, const InstanceState& state) {
    const bool goes_on = before != nullptr && before->present && before->epoch == state.epoch;
    if (goes_on && before->session != state.session) {
      Fault(state, absl::StrCat("it passes from ", Owner(*before), " to ", Owner(state), " without an epoch of its own"));
    } else if (!goes_on && state.epoch >= highest_) {
      CheckBeginning(before, state);
    }
    highest_ = std::max(highest_, state.epoch);
  }

  void CheckBeginning(const InstanceState* before, const InstanceState& state) {
    if (state.epoch == highest_) return Fault(state, absl::StrCat("it comes back under epoch ", state.epoch, ", which had ended"));
    if (state.epoch != state.since) Fault(state, absl::StrCat("its registration begins with epoch ", state.epoch));
    const Nanos known = store_.KnownBy(state.since, facts_.end);
    if (!claims_.Registered(name_, state.session, known)) Fault(state, absl::StrCat(Owner(state), " has it, and did not ask for it"));
    const bool taken = before != nullptr && before->present && before->epoch != 0;
    if (taken && !claims_.TookOver(name_, state.session, known)) {
      Fault(state, absl::StrCat(Owner(state), " has it while ", Owner(*before), " owns it, and did not take it over"));
    }
  }

  void Fault(const InstanceState& state, absl::string_view what) {
    findings_.Add(Rule::kOneOwner, state.since, {}, absl::StrCat(Text(name_), " at ", state.since, ": ", what));
  }

  const RegistrationFacts& facts_;
  const StoreFacts& store_;
  const Claims& claims_;
  const InstanceName& name_;
  Findings& findings_;
  Revision highest_ = 0;  // Epoch so far.
};

// Whether some state from behind revision `after` on that somebody may have been shown at `time` is as it `should` be.
bool Somewhen(const StoreFacts& store, const InstanceName& name, Revision after, Nanos time,
              const std::function<bool(const InstanceState&)>& should) {
  const Timeline::States& states = store.timeline.Of(name);
  for (size_t i = static_cast<size_t>(Timeline::IndexAt(states, after) + 1); i < states.size(); ++i) {
    if (!store.times.MayBeShown(states[i].since, time)) return false;
    if (should(states[i])) return true;
  }
  return false;
}

// What is wrong with what a session was told; `epoch` is the last that it was told before.
std::string FaultOfTold(const StoreFacts& store, const std::string& session, const SessionStream::Told& told, Revision epoch) {
  const auto owns = [&](const InstanceState& state) { return state.present && state.session == session && state.epoch == told.epoch; };
  switch (told.state) {
    case State::kRegistered:
      // From the epoch's own revision on.
      if (Somewhen(store, told.name, told.epoch - 1, told.received, owns)) return "";
      return absl::StrCat("is told that it is registered with epoch ", told.epoch, ", which was never its");
    case State::kFenced:
      if (Somewhen(store, told.name, epoch, told.received,
                   [&](const InstanceState& state) { return state.present && state.session != session; })) {
        return "";
      }
      return absl::StrCat("is fenced, and nobody else had it after ", epoch);
    case State::kLost:
    case State::kRemoved:
      if (epoch == 0 || Somewhen(store, told.name, epoch, told.received, [&](const InstanceState& state) {
            return !state.present || state.session != session || state.epoch != epoch;
          })) {
        return "";
      }
      return absl::StrCat("is told that its registration is gone, and epoch ", epoch, " is there");
    case State::kRefused:
      return "";
  }
  return "";
}

void CheckTold(const RegistrationFacts& facts, const SessionStream& stream, Findings* findings) {
  const StoreFacts* const store = facts.Find(stream.store);
  if (store == nullptr) return;
  std::map<InstanceName, Revision> epochs;
  for (const SessionStream::Told& told : stream.told) {
    Revision& epoch = epochs[told.name];
    if (const std::string fault = FaultOfTold(*store, stream.session, told, epoch); !fault.empty()) {
      findings->Add(Rule::kOneOwner, told.revision, {}, absl::StrCat(Text(told.name), ": session \"", stream.session, "\" ", fault));
    }
    if (told.state == State::kRegistered && told.epoch < epoch) {
      findings->Add(Rule::kOneOwner, told.revision, {},
                    absl::StrCat(Text(told.name), ": session \"", stream.session, "\" is told epoch ", told.epoch, " after ", epoch));
    }
    if (told.state == State::kRegistered) epoch = told.epoch;
  }
}

// What an answered Register says of its owner.
void CheckRegistered(const StoreFacts& store, const RegistrationCall& call, Findings* findings) {
  const InstanceState* const owned = store.timeline.PresentAt(call.name, call.instance.mod_revision);
  if (owned == nullptr || owned->epoch != call.instance.epoch || owned->session == call.session) return;
  findings->Add(
      Rule::kOneOwner, call.revision, {},
      absl::StrCat(Text(call.name), ": client ", call.client, " of session \"", call.session, "\" is answered what is ", Owner(*owned)));
}

std::string NameOf(CallKind kind) {
  switch (kind) {
    case CallKind::kRegister:
      return "Register";
    case CallKind::kUpdate:
      return "Update";
    case CallKind::kDeregister:
      return "Deregister";
    case CallKind::kDrain:
      return "Drain";
    default:
      return "a call";
  }
}

// Whose registration an accepted call has changed; 0: nobody's.
Revision ChangedEpoch(const StoreFacts& store, const RegistrationCall& call) {
  if (call.kind == CallKind::kUpdate) {
    const InstanceState* const changed = store.timeline.PresentAt(call.name, call.instance.mod_revision);
    return changed == nullptr ? call.instance.epoch : changed->epoch;
  }
  // A deregistration shows what was there before.
  const bool removes = call.kind == CallKind::kDeregister;
  if (removes && !call.found) return 0;
  const InstanceState* const changed = store.timeline.PresentAt(call.name, removes ? call.revision - 1 : call.revision);
  return changed == nullptr ? 0 : changed->epoch;
}

void CheckAccepted(const StoreFacts& store, const RegistrationCall& call, Findings* findings) {
  const Revision changed = ChangedEpoch(store, call);
  if (changed == 0 || changed == call.epoch) return;
  findings->Add(Rule::kFencing, call.revision, {},
                absl::StrCat(Text(call.name), ": ", NameOf(call.kind), " of client ", call.client, " with epoch ", call.epoch,
                             " was accepted at ", call.revision, ", and changed epoch ", changed));
}

void CheckRefused(const StoreFacts& store, const RegistrationCall& call, Findings* findings) {
  const InstanceState* const owned = store.timeline.PresentAt(call.name, store.times.FloorAt(call.called));
  if (owned == nullptr || owned->epoch != call.epoch) return;
  const auto other = [&](const InstanceState& state) { return !state.present || state.epoch != call.epoch; };
  if (Somewhen(store, call.name, owned->since, call.returned, other)) return;
  findings->Add(Rule::kFencing, call.revision, {},
                absl::StrCat(Text(call.name), ": ", NameOf(call.kind), " of client ", call.client, " with epoch ", call.epoch,
                             " was fenced, and that was its epoch all the time"));
}

// The log: nothing is written under an epoch that a newer one has followed.
void CheckWritten(const StoreFacts& store, Findings* findings) {
  for (const auto& [name, states] : store.timeline.instances()) {
    Revision highest = 0;
    for (const InstanceState& state : states) {
      if (state.present && state.epoch != 0 && state.epoch < highest) {
        findings->Add(Rule::kFencing, state.since, {},
                      absl::StrCat(Text(name), " at ", state.since, ": ", Owner(state), " has written it after epoch ", highest));
      }
      if (state.present) highest = std::max(highest, state.epoch);
    }
  }
}

}  // namespace

void CheckOneOwner(const RegistrationFacts& facts, Findings* findings) {
  const Claims claims(facts.history);
  for (const auto& store : facts.stores) {
    for (const auto& [name, states] : store->timeline.instances()) OwnerCheck(facts, *store, claims, name, findings).Run();
  }
  for (const SessionStream& stream : facts.history.sessions) CheckTold(facts, stream, findings);
  for (const RegistrationCall& call : facts.history.calls) {
    const StoreFacts* const store = facts.Find(call.store);
    if (store != nullptr && call.kind == CallKind::kRegister && call.outcome == Outcome::kOk) CheckRegistered(*store, call, findings);
  }
}

void CheckFencing(const RegistrationFacts& facts, Findings* findings) {
  for (const auto& store : facts.stores) CheckWritten(*store, findings);
  for (const RegistrationCall& call : facts.history.calls) {
    const StoreFacts* const store = facts.Find(call.store);
    if (store == nullptr || call.epoch == 0 || call.replayed) continue;
    if (call.outcome == Outcome::kOk) CheckAccepted(*store, call, findings);
    // One with a request id may have been carried out before.
    if (call.outcome == Outcome::kFailed && call.reason == "FENCED") CheckRefused(*store, call, findings);
  }
}

}  // namespace scoutlight::checker

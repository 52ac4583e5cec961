#include "tests/checker/registration_check.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/checker/registration_rules.h"

namespace scoutlight::checker {
namespace {

// The last moment that a history tells of.
Nanos EndOf(const RegistrationHistory& history) {
  Nanos end = 0;
  const auto reach = [&end](Nanos time) {
    if (time != kNever) end = std::max(end, time);
  };
  for (const ServerLife& life : history.lives) {
    reach(life.serving);
    reach(life.ended);
  }
  for (const RegistrationCall& call : history.calls) reach(call.returned);
  for (const DiscoveryRead& read : history.reads) reach(read.returned);
  for (const SessionStream& stream : history.sessions) reach(stream.ended);
  for (const ObserverStream& stream : history.observers) reach(stream.ended);
  return end;
}

std::set<StoreId> StoresTold(const RegistrationHistory& history) {
  std::set<StoreId> stores;
  for (const RegistrationCall& call : history.calls) {
    if (call.outcome == Outcome::kOk) stores.insert(call.store);
  }
  for (const DiscoveryRead& read : history.reads) {
    if (read.outcome == Outcome::kOk) stores.insert(read.store);
  }
  for (const SessionStream& stream : history.sessions) {
    if (stream.opened != kNever) stores.insert(stream.store);
  }
  for (const ObserverStream& stream : history.observers) {
    for (const InstanceFrame& frame : stream.frames) {
      if (frame.kind != InstanceFrame::Kind::kStarted) stores.insert(frame.store);
    }
  }
  return stores;
}

}  // namespace

RegistrationFacts::RegistrationFacts(const RegistrationHistory& all, const RegistrationBounds& how)
    : history(all), bounds(how), clock(all), end(EndOf(all)) {
  for (const StoreLog& log : all.stores) stores.push_back(std::make_unique<StoreFacts>(all, log));
}

const StoreFacts* RegistrationFacts::Find(const StoreId& store) const {
  for (const auto& facts : stores) {
    if (facts->timeline.store() == store) return facts.get();
  }
  return nullptr;
}

bool CheckRecorded(const RegistrationFacts& facts, Findings* findings) {
  const RegistrationHistory& history = facts.history;
  if (history.overflowed) findings->Add(Rule::kHistory, 0, {}, "the recorder was full: what came later is missing");
  if (history.lives.empty()) findings->Add(Rule::kHistory, 0, {}, "no life of a server is recorded");
  bool logged = true;
  for (const StoreId& store : StoresTold(history)) {
    if (facts.Find(store) != nullptr) continue;
    logged = false;
    findings->Add(Rule::kHistory, 0, {}, absl::StrCat("somebody was told of store \"", store, "\", of which there is no log"));
  }
  for (const StoreLog& store : history.stores) {
    for (size_t i = 0; i < store.log.size() && logged; ++i) {
      logged = store.log[i].batch.revision == static_cast<Revision>(i) + 2;
      if (!logged)
        findings->Add(Rule::kHistory, 0, {}, absl::StrCat("the log of store ", store.store, " has a hole before revision ", i + 2));
    }
  }
  return logged && !history.overflowed && !history.lives.empty();
}

std::vector<Violation> CheckRegistrations(const RegistrationHistory& history, const RegistrationBounds& bounds) {
  Findings findings;
  const RegistrationFacts facts(history, bounds);
  if (!CheckRecorded(facts, &findings)) return findings.Take();
  CheckOneOwner(facts, &findings);
  CheckFencing(facts, &findings);
  CheckKept(facts, &findings);
  CheckReads(facts, &findings);
  CheckOwnWrites(facts, &findings);
  CheckObservers(facts, &findings);
  CheckResolves(facts, &findings);
  CheckDrains(facts, &findings);
  return findings.Take();
}

std::string ReportRegistrations(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& violation : violations)
    absl::StrAppend(&text, std::string(RuleName(violation.rule)), ": ", violation.message, "\n");
  return text;
}

}  // namespace scoutlight::checker

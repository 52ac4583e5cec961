#include <algorithm>
#include <utility>

#include "tests/checker/mutations.h"
#include "tests/checker/tree.h"

namespace scoutlight::checker {
namespace {

using Random = std::mt19937_64;

LeaseId LeaseOf(const LoggedBatch& logged) { return logged.batch.events.front().previous.value_or(Entry()).lease_id; }

// An end of a lease by `cause` with at least so many keys.
LoggedBatch* PickEnd(History* history, Random* random, EventCause cause, size_t keys_min = 1) {
  const auto picked = PickOne(
      history->log.size(),
      [&](size_t i) {
        const Batch& batch = history->log[i].batch;
        return batch.events.front().cause == cause && batch.events.size() >= keys_min;
      },
      random);
  return picked.has_value() ? &history->log[*picked] : nullptr;
}

Call* GrantOf(History* history, LeaseId id) {
  for (Call& call : history->calls) {
    const auto* const answer = std::get_if<GrantAnswer>(&call.answer);
    if (call.outcome == Outcome::kOk && answer != nullptr && answer->id == id && !answer->replayed) return &call;
  }
  return nullptr;
}

Call RenewalAt(LeaseId id, Nanos time, Revision revision) {
  Call call;
  call.client = 99;
  call.called = time;
  call.returned = time + 1;
  call.outcome = Outcome::kOk;
  call.request = Renew{{id}};
  call.answer = RenewAnswer{{Outcome::kOk}, revision};
  return call;
}

bool EndEarly(History* history, Random* random) {
  const LoggedBatch* const end = PickEnd(history, random, EventCause::kLeaseExpired);
  if (end == nullptr || GrantOf(history, LeaseOf(*end)) == nullptr) return false;
  history->calls.push_back(
      RenewalAt(LeaseOf(*end), end->received - absl::ToInt64Nanoseconds(absl::Milliseconds(1)), end->batch.revision - 1));
  return true;
}

// As if it had been granted for less; where no outage gave it more time.
bool EndLate(History* history, Random* random) {
  const auto grant_of = [&](size_t i) -> Call* {
    const LoggedBatch& logged = history->log[i];
    return logged.batch.events.front().cause == EventCause::kLeaseExpired ? GrantOf(history, LeaseOf(logged)) : nullptr;
  };
  const auto fits = [&](size_t i) {
    const Call* const grant = grant_of(i);
    return grant != nullptr && std::get<Grant>(grant->request).ttl >= absl::Milliseconds(25) &&
           std::none_of(history->outages.begin(), history->outages.end(), [&](const Outage& outage) {
             return outage.serving >= grant->called && outage.stopped <= history->log[i].received;
           });
  };
  const auto picked = PickOne(history->log.size(), fits, random);
  if (picked.has_value()) std::get<Grant>(grant_of(*picked)->request).ttl = absl::Microseconds(100);
  return picked.has_value();
}

bool EndInTwoRevisions(History* history, Random* random) {
  LoggedBatch* const end = PickEnd(history, random, EventCause::kLeaseExpired, 2);
  if (end != nullptr) end->batch.events.pop_back();
  return end != nullptr;
}

bool TakeKeyOfAnother(History* history, Random* random) {
  LoggedBatch* const end = PickEnd(history, random, EventCause::kLeaseExpired);
  if (end == nullptr) return false;
  Tree before;
  for (const LoggedBatch& logged : history->log) {
    if (&logged == end) break;
    before.Apply(logged.batch);
  }
  storage::Query all;
  all.range = {Key(), Scope::kSubtree};
  all.entries_max = 1'000;
  bool more = false;
  for (Entry& entry : before.List(all, &more)) {
    if (entry.lease_id == LeaseOf(*end)) continue;
    Event event = end->batch.events.front();
    entry.has_children = false;
    event.key = event.entry.key = entry.key;
    event.previous = std::move(entry);
    end->batch.events.push_back(std::move(event));
    std::sort(end->batch.events.begin(), end->batch.events.end(), [](const Event& a, const Event& b) { return a.key < b.key; });
    return true;
  }
  return false;
}

bool RevokeByNobody(History* history, Random* random) {
  LoggedBatch* const end = PickEnd(history, random, EventCause::kLeaseExpired);
  if (end == nullptr) return false;
  for (Event& event : end->batch.events) event.cause = EventCause::kLeaseRevoked;
  return true;
}

bool CountRevokedWrong(History* history, Random* random) {
  const auto picked = PickOne(
      history->calls.size(),
      [&](size_t i) {
        const auto* const answer = std::get_if<RevokeAnswer>(&history->calls[i].answer);
        return answer != nullptr && history->calls[i].outcome == Outcome::kOk && answer->deleted > 0 && !answer->replayed;
      },
      random);
  if (picked.has_value()) std::get<RevokeAnswer>(history->calls[*picked].answer).deleted += 1;
  return picked.has_value();
}

bool RenewAfterTheEnd(History* history, Random* random) {
  const LoggedBatch* const end = PickEnd(history, random, EventCause::kLeaseExpired);
  if (end == nullptr || GrantOf(history, LeaseOf(*end)) == nullptr) return false;
  history->calls.push_back(RenewalAt(LeaseOf(*end), history->log.back().received + 10, history->log.back().batch.revision));
  return true;
}

bool MissALiveLease(History* history, Random* random) {
  const auto picked = PickOne(
      history->calls.size(),
      [&](size_t i) {
        const Call& call = history->calls[i];
        const auto* const renew = std::get_if<Renew>(&call.request);
        if (renew == nullptr || call.outcome != Outcome::kOk || std::get<RenewAnswer>(call.answer).results[0] != Outcome::kOk) return false;
        const Call* const grant = GrantOf(history, renew->ids[0]);
        return grant != nullptr && grant->returned <= call.called &&
               call.returned < grant->called + absl::ToInt64Nanoseconds(std::get<Grant>(grant->request).ttl);
      },
      random);
  if (picked.has_value()) std::get<RenewAnswer>(history->calls[*picked].answer).results[0] = Outcome::kFailed;
  return picked.has_value();
}

bool PutWithEndedLease(History* history, Random* random) {
  const LoggedBatch* const end = PickEnd(history, random, EventCause::kLeaseExpired);
  if (end == nullptr) return false;
  for (Call& call : history->calls) {
    auto* const write = std::get_if<Write>(&call.request);
    if (write == nullptr || write->form != Write::Form::kPut || call.outcome != Outcome::kOk) continue;
    const Revision revision = std::get<WriteAnswer>(call.answer).revision;
    if (revision <= end->batch.revision) continue;
    std::get<storage::PutOperation>(write->on_success[0]).lease_id = LeaseOf(*end);
    history->log[revision - 2].batch.events[0].entry.lease_id = LeaseOf(*end);
    return true;
  }
  return false;
}

}  // namespace

std::vector<Mutation> LeaseMutations() {
  return {
      {"EndEarly", Rule::kLease, EndEarly},
      {"EndLate", Rule::kLease, EndLate},
      {"EndInTwoRevisions", Rule::kLease, EndInTwoRevisions},
      {"TakeKeyOfAnother", Rule::kLease, TakeKeyOfAnother},
      {"RevokeByNobody", Rule::kContiguity, RevokeByNobody},
      {"CountRevokedWrong", Rule::kLease, CountRevokedWrong},
      {"RenewAfterTheEnd", Rule::kLease, RenewAfterTheEnd},
      {"MissALiveLease", Rule::kLease, MissALiveLease},
      {"PutWithEndedLease", Rule::kLease, PutWithEndedLease},
  };
}

}  // namespace scoutlight::checker

#include "tests/checker/simulated_store.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "tests/checker/pins.h"

namespace scoutlight::checker {

void SimulatedStore::Execute(Nanos now, Call* call) {
  if (Replay(call)) return;
  const Revision before = model_.latest();
  std::visit([&](const auto& request) { Do(now, request, call); }, call->request);
  const bool decided =
      call->outcome == Outcome::kOk || call->failure.reason == Reason::kKeyExists || call->failure.reason == Reason::kConditionFailed;
  const std::string& id = RequestIdOf(*call);
  const bool is_grant = std::holds_alternative<Grant>(call->request);
  if (!id.empty() && decided) remembered_[id] = {*call, model_.latest() != before || is_grant};
}

bool SimulatedStore::Replay(Call* call) const {
  const auto it = remembered_.find(RequestIdOf(*call));
  if (it == remembered_.end()) return false;
  const Call& first = it->second.call;
  call->outcome = first.outcome;
  call->failure = first.failure;
  call->answer = first.answer;
  if (auto* write = std::get_if<WriteAnswer>(&call->answer)) write->replayed = true;
  if (auto* grant = std::get_if<GrantAnswer>(&call->answer)) grant->replayed = true;
  if (auto* revoke = std::get_if<RevokeAnswer>(&call->answer)) revoke->replayed = true;
  return true;
}

void SimulatedStore::Refuse(absl::StatusCode code, Reason reason, Call* call) const {
  call->outcome = Outcome::kFailed;
  call->failure = {.code = code, .reason = reason, .revision = model_.latest()};
}

void SimulatedStore::Do(Nanos, const Write& write, Call* call) {
  storage::Transaction transaction;
  transaction.conditions = write.conditions;
  transaction.on_success = write.on_success;
  transaction.on_failure = write.on_failure;
  storage::CommitResult result;
  if (write.validate_only) {
    storage::ReferenceModel copy = model_;
    result = copy.Commit(transaction);
    result.revision = model_.latest();
  } else {
    result = model_.Commit(transaction);
  }
  if (!result.status.ok()) return Refuse(result.status.code(), ReasonOf(result.status), call);
  call->outcome = Outcome::kOk;
  call->answer = WriteAnswer{result.revision, result.succeeded, false, std::move(result.results)};
}

void SimulatedStore::Do(Nanos, const Read& read, Call* call) {
  storage::Query query = read.query;
  query.bytes_max = std::numeric_limits<size_t>::max();
  storage::Page page = model_.Read(query);
  if (page.status.ok() && read.is_get && page.entries.empty()) {
    Refuse(absl::StatusCode::kNotFound, Reason::kKeyNotFound, call);
    call->failure.revision = page.revision;
    return;
  }
  if (!page.status.ok()) {
    Refuse(page.status.code(), ReasonOf(page.status), call);
    call->failure.oldest_revision = page.oldest_revision;
    return;
  }
  call->outcome = Outcome::kOk;
  call->answer = ReadAnswer{page.revision, std::move(page.entries), page.more};
}

void SimulatedStore::Do(Nanos now, const Grant& grant, Call* call) {
  const LeaseId id = grant.id != 0 ? grant.id : ++last_lease_;
  const Nanos ttl = absl::ToInt64Nanoseconds(grant.ttl);
  leases_[id] = {ttl, now + ttl, life_};
  model_.Grant(id);
  call->outcome = Outcome::kOk;
  call->answer = GrantAnswer{id, grant.ttl, model_.latest(), false};
}

void SimulatedStore::Do(Nanos, const Revoke& revoke, Call* call) {
  if (leases_.erase(revoke.id) == 0) return Refuse(absl::StatusCode::kNotFound, Reason::kLeaseNotFound, call);
  const storage::CommitResult result = model_.Revoke(revoke.id);
  call->outcome = Outcome::kOk;
  call->answer = RevokeAnswer{result.results[0].deleted, result.revision, false};
}

void SimulatedStore::Do(Nanos now, const Renew& renew, Call* call) {
  RenewAnswer answer;
  for (const LeaseId id : renew.ids) {
    const auto it = leases_.find(id);
    answer.results.push_back(it == leases_.end() ? Outcome::kFailed : Outcome::kOk);
    if (it == leases_.end()) continue;
    it->second.deadline = now + it->second.ttl;
    it->second.life = life_;
  }
  answer.revision = model_.latest();
  call->outcome = Outcome::kOk;
  call->answer = std::move(answer);
}

bool SimulatedStore::ExpireOne(Nanos now) {
  const auto due = std::find_if(leases_.begin(), leases_.end(), [now](const auto& item) { return item.second.deadline <= now; });
  if (due == leases_.end()) return false;
  storage::Transaction transaction;
  transaction.origin.cause = EventCause::kLeaseExpired;
  for (const Key& key : model_.KeysOf(due->first)) {
    transaction.on_success.push_back(storage::DeleteOperation{.range = {key, Scope::kKey}, .expected_mod_revision = {}});
  }
  model_.Commit(transaction);
  model_.Revoke(due->first);
  leases_.erase(due);
  return true;
}

void SimulatedStore::Restart(Nanos stopped, Nanos serving) {
  for (auto& [id, lease] : leases_) {
    lease.deadline = lease.life == life_ ? serving + lease.ttl : serving + std::max<Nanos>(0, lease.deadline - stopped);
  }
  ++life_;
  // What changed nothing is not on disk: it is carried out anew when it is repeated.
  std::erase_if(remembered_, [](const auto& item) { return !item.second.changed; });
}

void SimulatedStore::Pause(Nanos pause) {
  for (auto& [id, lease] : leases_) lease.deadline += pause;
}

void SimulatedStore::Compact(Revision oldest) { model_.Compact(oldest).IgnoreError(); }

}  // namespace scoutlight::checker

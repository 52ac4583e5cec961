#include "server/fleet/participant.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace scoutlight::server {
namespace {

// After all that its record allows for, a drain that is not ended is given up: its coordinator has forgotten it.
constexpr absl::Duration kForgottenAfter = absl::Minutes(1);

// That a key stands since `revision`; 0: that it does not.
storage::Condition StandsSince(Key key, Revision revision) {
  return {.key = std::move(key),
          .target = storage::Condition::Target::kModRevision,
          .comparison = storage::Condition::Comparison::kEqual,
          .number = revision};
}

}  // namespace

Participant::Part* Participant::Find(const std::string& drain, uint64_t number) {
  const auto found = parts_of_.find(drain);
  return found == parts_of_.end() || found->second->number != number ? nullptr : found->second.get();
}

void Participant::OnDrain(const std::string& drain, const DrainRecord& record, Revision revision, LeaseId lease_id) {
  std::string server;
  if (const auto found = parts_of_.find(drain); found != parts_of_.end()) {
    if (found->second->revision == revision) return;
    server = found->second->server;
    End(drain);
  }
  if (parts_of_.size() >= static_cast<size_t>(kForeignDrainsMax)) return;
  const absl::Duration now = parts_.clock->SinceBoot();
  Part* const part = (parts_of_[drain] = std::make_unique<Part>()).get();
  count_.store(static_cast<int>(parts_of_.size()), std::memory_order_relaxed);
  part->drain = drain;
  part->record = record;
  part->revision = revision;
  part->lease_id = lease_id;
  part->number = parts_.local.new_number();
  part->deadline = now + record.timeout;
  part->end = part->deadline + record.linger + kForgottenAfter;
  // Below a record that was put again stands what was told of it before.
  part->stands = !server.empty();
  part->known = server.empty();
  part->server = std::move(server);
  Advance(part, now);
}

void Participant::OnDrainGone(const std::string& drain) { End(drain); }

void Participant::OnDrains(const absl::flat_hash_set<std::string>& drains) {
  std::vector<std::string> gone;
  for (const auto& [drain, part] : parts_of_) {
    if (!drains.contains(drain)) gone.push_back(drain);
  }
  for (const std::string& drain : gone) End(drain);
}

void Participant::OnIdentity() {
  // What was told under another id nobody asks for.
  const absl::Duration now = parts_.clock->SinceBoot();
  for (const auto& [drain, part] : parts_of_) {
    part->told = !part->standing.has_value();
    Advance(part.get(), now);
  }
}

void Participant::EndAll() { OnDrains({}); }

void Participant::End(const std::string& drain) {
  const auto found = parts_of_.find(drain);
  if (found == parts_of_.end()) return;
  if (found->second->state == Part::State::kFollowing) parts_.local.end(found->second->number);
  parts_of_.erase(found);
  count_.store(static_cast<int>(parts_of_.size()), std::memory_order_relaxed);
}

void Participant::Serve(absl::Duration now) {
  std::vector<std::string> over;
  for (const auto& [drain, part] : parts_of_) {
    if (part->end <= now) {
      over.push_back(drain);
    } else {
      Advance(part.get(), now);
    }
  }
  for (const std::string& drain : over) End(drain);
}

absl::Duration Participant::next_due() const {
  absl::Duration next = absl::InfiniteDuration();
  for (const auto& [drain, part] : parts_of_) {
    next = std::min(next, part->end);
    const bool waits_to_put = !part->told && !part->asking && membership_.identity().has_value();
    if (part->state == Part::State::kBehind) next = std::min(next, part->retry_at);
    if (waits_to_put) next = std::min(next, PutDue(*part));
  }
  return next;
}

bool Participant::SaysNothing(const Part& part) { return !part.standing->settled && !part.stands; }

absl::Duration Participant::PutDue(const Part& part) {
  const bool may_wait = part.standing.has_value() && part.standing->settled;
  if (!may_wait) return part.retry_at;
  const absl::Duration paused = part.put_at + kStandingPause;
  return std::max(part.retry_at, part.put_at < part.deadline ? std::min(paused, part.deadline) : paused);
}

void Participant::Advance(Part* part, absl::Duration now) {
  if (part->state == Part::State::kBehind) {
    if (now >= part->retry_at) Reach(part);
    return;
  }
  const std::optional<ServerIdentity>& identity = membership_.identity();
  if (part->told || part->asking || now < PutDue(*part) || !identity.has_value()) return;
  if (part->server != identity->id) {
    part->server = identity->id;
    part->stands_at = 0;
    part->known = true;
  }
  part->known ? Put(part, now) : ReadBack(part);
}

void Participant::Reach(Part* part) {
  part->state = Part::State::kReaching;
  parts_.local.when_at(part->record.revision, [this, drain = part->drain, number = part->number, post = post_](absl::Status status) {
    post([this, drain, number, status = std::move(status)] {
      Part* const reached = Find(drain, number);
      if (reached == nullptr) return;
      const absl::Duration now = parts_.clock->SinceBoot();
      if (status.ok()) return Follow(reached, now);
      reached->state = Part::State::kBehind;
      reached->retry_at = now + kFleetRetry;
    });
  });
}

void Participant::Follow(Part* part, absl::Duration now) {
  part->state = Part::State::kFollowing;
  const DrainWait wait{.name = part->record.name,
                       .revision = part->record.revision,
                       .timeout = std::max(part->deadline - now, absl::ZeroDuration()),
                       .linger = part->record.linger};
  parts_.local.follow(part->number, wait, [this, drain = part->drain, number = part->number, post = post_](DrainStanding standing) {
    post([this, drain, number, standing = std::move(standing)]() mutable {
      Part* const told = Find(drain, number);
      if (told == nullptr) return;
      told->standing = std::move(standing);
      told->told = SaysNothing(*told);
      Advance(told, parts_.clock->SinceBoot());
    });
  });
}

template <typename Result>
storage::Done<Result> Participant::Ask(Part* part, void (Participant::*then)(Part*, const Result&)) {
  part->asking = true;
  return [this, drain = part->drain, number = part->number, then, post = post_](Result result) {
    post([this, drain, number, then, result = std::move(result)] {
      Part* const asked = Find(drain, number);
      if (asked == nullptr) return;
      asked->asking = false;
      (this->*then)(asked, result);
    });
  };
}

void Participant::Put(Part* part, absl::Duration now) {
  part->told = true;
  part->put_at = now;
  part->puts_settled = part->standing->settled;
  part->stands = part->stands || part->puts_settled;
  storage::Transaction transaction;
  // Of the record that this is an answer to: put again, it is another.
  transaction.conditions.push_back(StandsSince(DrainKey(part->drain), part->revision));
  transaction.on_success.push_back(storage::PutOperation{.key = StandingKey(part->drain, part->server),
                                                         .value = {Value::Form::kText, EncodeStanding(*part->standing)},
                                                         .lease_id = part->lease_id,
                                                         .expected_mod_revision = part->stands_at});
  parts_.store->Commit(std::move(transaction), Ask(part, &Participant::OnPut));
}

void Participant::OnPut(Part* part, const storage::CommitResult& result) {
  const absl::Duration now = parts_.clock->SinceBoot();
  if (!result.status.ok()) {
    part->told = false;
    part->retry_at = now + kFleetRetry;
    return ReadBack(part);
  }
  // Else the drain's record is there no longer.
  if (result.succeeded) part->stands_at = result.revision;
  part->stands = part->puts_settled;
  part->told = part->told || SaysNothing(*part);
  Advance(part, now);
}

void Participant::ReadBack(Part* part) {
  part->known = false;
  storage::Query query;
  query.range = {StandingKey(part->drain, part->server), Scope::kKey};
  query.show_system = true;
  query.entries_max = 1;
  query.bytes_max = limits::kMiB;
  parts_.store->Read(std::move(query), Ask(part, &Participant::OnReadBack));
}

void Participant::OnReadBack(Part* part, const storage::Page& page) {
  const absl::Duration now = parts_.clock->SinceBoot();
  if (!page.status.ok()) {
    part->retry_at = now + kFleetRetry;
    return Advance(part, now);
  }
  part->known = true;
  part->stands_at = page.entries.empty() ? 0 : page.entries.front().mod_revision;
  if (part->stands_at != 0 && !part->standing->settled) {
    // What was told before must not stand where puts are refused and deletes are not.
    const absl::StatusOr<DrainStanding> stands = ParseStanding(page.entries.front().value.bytes);
    if (!stands.ok() || stands->settled) return TakeBack(part);
  }
  Advance(part, now);
}

void Participant::TakeBack(Part* part) {
  storage::Transaction transaction;
  const Key key = StandingKey(part->drain, part->server);
  transaction.conditions.push_back(StandsSince(key, part->stands_at));
  transaction.on_success.push_back(storage::DeleteOperation{.range = {key, Scope::kKey}});
  parts_.store->Commit(std::move(transaction), Ask(part, &Participant::OnTakenBack));
}

void Participant::OnTakenBack(Part* part, const storage::CommitResult& result) {
  const absl::Duration now = parts_.clock->SinceBoot();
  if (result.status.ok() && result.succeeded) {
    part->stands_at = 0;
  } else {
    part->known = false;
    part->retry_at = now + kFleetRetry;
  }
  // That it waits is put all the same: then no earlier put can come after it.
  Advance(part, now);
}

}  // namespace scoutlight::server

#include "storage/etcd/etcd_events.h"

#include <algorithm>
#include <utility>

namespace scoutlight::storage {
namespace {

// How far the mark of a write that was tried again is taken to lie before earlier ones: as long as a call to etcd may take, by default.
// What lies further back shows that the earlier one came from a clock that is ahead.
constexpr absl::Duration kTryLagMax = absl::Seconds(5);

}  // namespace

std::optional<size_t> EtcdChange::FirstWithoutPrevious() const {
  for (size_t i = looked_at; i < batch->events.size(); ++i) {
    if (!batch->events[i].previous_known) return i;
  }
  return std::nullopt;
}

void EtcdChange::SetCauses() {
  if (marked.has_value()) return;
  for (Event& event : batch->events) {
    // One that was on no lease cannot have gone with one.
    const bool was_on_lease = !event.previous.has_value() || event.previous->lease_id != 0;
    event.cause = event.kind == EventKind::kDelete && was_on_lease ? end_of_lease : EventCause::kWrite;
  }
}

absl::StatusOr<std::vector<EtcdChange>> EtcdEvents::Add(const etcdserverpb::WatchResponse& response, Revision after, absl::Time seen) {
  std::vector<EtcdChange> changes;
  const auto take = [this, seen, &changes]() -> absl::Status {
    absl::StatusOr<EtcdChange> change = Take(seen);
    if (change.ok()) changes.push_back(*std::move(change));
    return change.status();
  };
  for (const mvccpb::Event& event : response.events()) {
    if (!open_.empty() && open_.back().kv().mod_revision() != event.kv().mod_revision()) {
      if (absl::Status foreign = take(); !foreign.ok()) return foreign;
    }
    if (event.kv().mod_revision() > after) {
      open_.push_back(event);
    } else if (mapping_.IsMark(event.kv().key()) && event.type() == mvccpb::Event::PUT) {
      if (absl::Status foreign = TakeMark(event).status(); !foreign.ok()) return foreign;
    }
  }
  if (!open_.empty() && !response.fragment()) {
    if (absl::Status foreign = take(); !foreign.ok()) return foreign;
  }
  return changes;
}

absl::StatusOr<absl::Time> EtcdEvents::TakeMark(const mvccpb::Event& event) {
  const absl::StatusOr<EtcdMark> mark = EtcdMapping::DecodeMark(event.kv());
  if (!mark.ok()) return mark.status();
  if (mark->committed > last_mark_ || last_mark_ - mark->committed > kTryLagMax) last_mark_ = mark->committed;
  return mark->committed;
}

absl::StatusOr<EtcdChange> EtcdEvents::Take(absl::Time seen) {
  const std::vector<mvccpb::Event> events = std::exchange(open_, {});
  EtcdChange change{.revision = events.front().kv().mod_revision(), .batch = std::make_shared<Batch>()};
  for (const mvccpb::Event& event : events) {
    if (mapping_.IsMark(event.kv().key())) {
      // Deleted with all that was there.
      if (event.type() == mvccpb::Event::DELETE) continue;
      const absl::StatusOr<absl::Time> committed = TakeMark(event);
      if (!committed.ok()) return committed.status();
      change.marked = *committed;
    } else if (mapping_.IsRevocation(event.kv().key())) {
      if (event.type() == mvccpb::Event::DELETE) change.end_of_lease = EventCause::kLeaseRevoked;
    } else if (mapping_.IsIdentity(event.kv().key())) {
      change.identity = event.type() == mvccpb::Event::DELETE ? "" : event.kv().value();
    } else if (mapping_.IsNode(event.kv().key())) {
      absl::StatusOr<Event> made = mapping_.ToEvent(event);
      if (!made.ok()) return made.status();
      change.batch->events.push_back(*std::move(made));
    }
  }
  if (change.batch->events.empty()) {
    change.batch = nullptr;
    return change;
  }
  change.batch->revision = change.revision;
  change.batch->committed = change.marked.value_or(std::max(seen, last_mark_));
  change.SetCauses();
  // etcd shows them in the order of the transaction's operations.
  std::sort(change.batch->events.begin(), change.batch->events.end(), [](const Event& a, const Event& b) { return a.key < b.key; });
  return change;
}

}  // namespace scoutlight::storage

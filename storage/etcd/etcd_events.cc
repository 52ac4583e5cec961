#include "storage/etcd/etcd_events.h"

#include <algorithm>
#include <utility>

namespace scoutlight::storage {

absl::StatusOr<std::vector<EtcdChange>> EtcdEvents::Add(const etcdserverpb::WatchResponse& response, absl::Time seen) {
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
    open_.push_back(event);
  }
  if (!open_.empty() && !response.fragment()) {
    if (absl::Status foreign = take(); !foreign.ok()) return foreign;
  }
  return changes;
}

absl::StatusOr<EtcdChange> EtcdEvents::Take(absl::Time seen) {
  const std::vector<mvccpb::Event> events = std::exchange(open_, {});
  EtcdChange change{.revision = events.front().kv().mod_revision(), .batch = std::make_shared<Batch>()};
  bool is_write = false;
  EventCause end_of_lease = EventCause::kLeaseExpired;
  for (const mvccpb::Event& event : events) {
    if (mapping_.IsMark(event.kv().key())) {
      // Deleted with all that was there.
      if (event.type() == mvccpb::Event::DELETE) continue;
      absl::StatusOr<EtcdMark> mark = EtcdMapping::DecodeMark(event.kv());
      if (!mark.ok()) return mark.status();
      is_write = true;
      last_mark_ = mark->committed;
    } else if (mapping_.IsRevocation(event.kv().key())) {
      if (event.type() == mvccpb::Event::DELETE) end_of_lease = EventCause::kLeaseRevoked;
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
  change.batch->committed = is_write ? last_mark_ : std::max(seen, last_mark_);
  for (Event& event : change.batch->events) {
    // One that was on no lease cannot have gone with one.
    const bool was_on_lease = !event.previous.has_value() || event.previous->lease_id != 0;
    if (!is_write && event.kind == EventKind::kDelete && was_on_lease) event.cause = end_of_lease;
  }
  // etcd shows them in the order of the transaction's operations.
  std::sort(change.batch->events.begin(), change.batch->events.end(), [](const Event& a, const Event& b) { return a.key < b.key; });
  return change;
}

}  // namespace scoutlight::storage

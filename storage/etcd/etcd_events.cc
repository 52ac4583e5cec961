#include "storage/etcd/etcd_events.h"

#include <algorithm>
#include <utility>

namespace scoutlight::storage {
namespace {

// How far the mark of a write that was tried again is taken to lie before earlier ones: as long as a call to etcd may take, by default.
// What lies further back shows that the earlier one came from a clock that is ahead.
constexpr absl::Duration kTryLagMax = absl::Seconds(5);

}  // namespace

void EtcdChange::SetCauses() {
  if (marked.has_value()) return;
  for (Event& event : batch->events) {
    // One that was on no lease cannot have gone with one.
    const bool was_on_lease = !event.previous.has_value() || event.previous->lease_id != 0;
    event.cause = event.kind == EventKind::kDelete && was_on_lease ? end_of_lease : EventCause::kWrite;
  }
}

absl::StatusOr<std::vector<EtcdChange>> EtcdEvents::Add(const etcdserverpb::WatchResponse& response, int from, int to, Revision after,
                                                        absl::Time seen) {
  std::vector<EtcdChange> changes;
  for (int i = from; i < to; ++i) {
    const mvccpb::Event& event = response.events(i);
    const Revision revision = event.kv().mod_revision();
    if (open_.has_value() && open_->revision != revision) changes.push_back(Close(seen));
    if (revision > after) {
      if (!open_.has_value()) open_ = EtcdChange{.revision = revision, .batch = std::make_shared<Batch>()};
      if (absl::Status foreign = Take(event); !foreign.ok()) return foreign;
    } else if (mapping_.IsMark(event.kv().key()) && event.type() == mvccpb::Event::PUT) {
      if (absl::Status foreign = TakeMark(event).status(); !foreign.ok()) return foreign;
    }
  }
  const bool ends = to == response.events_size() && !response.fragment();
  if (open_.has_value() && ends) changes.push_back(Close(seen));
  return changes;
}

absl::StatusOr<absl::Time> EtcdEvents::TakeMark(const mvccpb::Event& event) {
  const absl::StatusOr<EtcdMark> mark = EtcdMapping::DecodeMark(event.kv());
  if (!mark.ok()) return mark.status();
  if (mark->committed > last_mark_ || last_mark_ - mark->committed > kTryLagMax) last_mark_ = mark->committed;
  return mark->committed;
}

absl::Status EtcdEvents::Take(const mvccpb::Event& event) {
  if (mapping_.IsMark(event.kv().key())) {
    // Deleted with all that was there.
    if (event.type() == mvccpb::Event::DELETE) return absl::OkStatus();
    const absl::StatusOr<absl::Time> committed = TakeMark(event);
    if (!committed.ok()) return committed.status();
    open_->marked = *committed;
  } else if (mapping_.IsRevocation(event.kv().key())) {
    if (event.type() == mvccpb::Event::DELETE) open_->end_of_lease = EventCause::kLeaseRevoked;
  } else if (mapping_.IsIdentity(event.kv().key())) {
    open_->identity = event.type() == mvccpb::Event::DELETE ? "" : event.kv().value();
  } else if (mapping_.IsNode(event.kv().key())) {
    absl::StatusOr<Event> made = mapping_.ToEvent(event);
    if (!made.ok()) return made.status();
    open_->batch->events.push_back(*std::move(made));
  }
  return absl::OkStatus();
}

EtcdChange EtcdEvents::Close(absl::Time seen) {
  EtcdChange change = *std::exchange(open_, std::nullopt);
  std::vector<Event>& events = change.batch->events;
  if (events.empty()) {
    change.batch = nullptr;
    return change;
  }
  change.batch->revision = change.revision;
  change.batch->committed = change.marked.value_or(std::max(seen, last_mark_));
  change.SetCauses();
  // etcd shows those of a transaction in the order of its operations, those that go with a lease in key order.
  const auto before = [](const Event& a, const Event& b) { return a.key < b.key; };
  if (!std::is_sorted(events.begin(), events.end(), before)) std::sort(events.begin(), events.end(), before);
  return change;
}

}  // namespace scoutlight::storage

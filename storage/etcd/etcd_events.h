#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_EVENTS_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_EVENTS_H_

#include <cstddef>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/etcd/etcd_mapping.h"

namespace scoutlight::storage {

// What one revision of a watch over EtcdMapping::Watched() brought.
struct EtcdChange {
  Revision revision = 0;
  std::shared_ptr<Batch> batch;                         // Null: no node changed.
  std::optional<std::string> identity;                  // Put there, as EtcdMapping encodes it; empty: deleted.
  std::optional<absl::Time> marked;                     // A write, and when; else the end of a lease ...
  EventCause end_of_lease = EventCause::kLeaseExpired;  // ... for this reason.

  // Says of each event why it happened, by what was there before.
  void SetCauses();
};

// Makes batches of a watch's responses, which may be fragments that end inside a revision. A mark says when a write was committed; the end
// of a lease bears none, and counts as committed when it was `seen`, or when the writes before it were, if that is later. Not thread-safe.
class EtcdEvents {
 public:
  // `mapping` outlives it.
  explicit EtcdEvents(const EtcdMapping& mapping) : mapping_(mapping) {}

  // The revisions after `after` that are complete with `response`, in order; of earlier ones only the marks are looked at. kDataLoss: it
  // has what no ScoutLight wrote.
  absl::StatusOr<std::vector<EtcdChange>> Add(const etcdserverpb::WatchResponse& response, Revision after, absl::Time seen) {
    return Add(response, 0, response.events_size(), after, seen);
  }
  // Likewise of its events [from, to): a response is added part by part, in order.
  absl::StatusOr<std::vector<EtcdChange>> Add(const etcdserverpb::WatchResponse& response, int from, int to, Revision after,
                                              absl::Time seen);

 private:
  // Into the revision that is open.
  absl::Status Take(const mvccpb::Event& event);
  EtcdChange Close(absl::Time seen);
  // When that was committed.
  absl::StatusOr<absl::Time> TakeMark(const mvccpb::Event& event);

  const EtcdMapping& mapping_;
  std::optional<EtcdChange> open_;  // May go on. Its batch is never null.
  // The latest, as of a write that was tried again it may be before that of an earlier one; but not one of a clock that is ahead.
  absl::Time last_mark_ = absl::InfinitePast();
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_EVENTS_H_

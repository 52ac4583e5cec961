#ifndef SCOUTLIGHT_STORAGE_ETCD_HISTORY_POINT_H_
#define SCOUTLIGHT_STORAGE_ETCD_HISTORY_POINT_H_

#include <optional>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_mapping.h"

namespace scoutlight::storage {

// The mark as it stood at some revision: where it was put, and what it says of when. Revision 0: it had never been put.
struct PlacedMark {
  Revision revision = 0;
  absl::Time committed;

  friend bool operator==(const PlacedMark&, const PlacedMark&) = default;
};

// By what a history is known again. A cluster that is restored from a snapshot of itself has the same identity, and once it has grown the
// same revisions; but marks say microseconds, so behind the point where two histories part they have different ones. Those are taken for
// the same that have had nothing but ends of leases since.
struct HistoryPoint {
  Revision revision = 0;
  std::optional<PlacedMark> mark;  // At that revision; nullopt: not known, any will do.
};

struct PointSearch {
  enum class Found { kThere, kOther, kCompacted };

  RpcOutcome outcome;  // Not ok: etcd has not answered, and the rest says nothing.
  Found found = Found::kThere;
  PlacedMark mark;  // Of kThere: what stands there.
};

// Looks, by one linearizable read, whether etcd has the history that `point` is of. `done` runs on the client's thread. `client` and
// `mapping` outlive it.
void SearchPoint(EtcdClient& client, const EtcdMapping& mapping, const HistoryPoint& point, absl::AnyInvocable<void(PointSearch) &&> done);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_HISTORY_POINT_H_

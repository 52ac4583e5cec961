#ifndef SCOUTLIGHT_STORAGE_LOCAL_OPEN_STATE_H_
#define SCOUTLIGHT_STORAGE_LOCAL_OPEN_STATE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/key.h"
#include "storage/local/engine.h"
#include "storage/local/layout.h"
#include "storage/local/lease_table.h"

namespace scoutlight::storage {

// What a store needs to know of an engine's tables before it serves from them.
struct OpenState {
  struct Request {
    Revision revision = 0;
    absl::Time committed;
    layout::RequestRecord record;
  };
  struct Lease {
    LeaseId id = 0;
    layout::LeaseRecord record;
    LeaseLoad load;
  };

  Revision revision = 0;
  Revision oldest = 0;
  uint64_t life = 0;
  absl::Duration uptime;                        // Of that life, at least.
  absl::Time committed = absl::InfinitePast();  // Of the latest revision in the log.
  std::deque<Request> requests;                 // Committed at or after `requests_since`, oldest first; the last limits::kRequestIdsMax.
  std::vector<Lease> leases;
};

// kDataLoss: the tables are damaged or contradict each other. kFailedPrecondition: they are of a newer format.
absl::StatusOr<OpenState> ReadOpenState(std::shared_ptr<const Snapshot> snapshot, absl::Time requests_since);

// The keys that hang on a lease, in order.
absl::StatusOr<std::vector<Key>> ReadKeysOfLease(const Snapshot& snapshot, LeaseId id);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_OPEN_STATE_H_

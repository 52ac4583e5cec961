#ifndef SCOUTLIGHT_STORAGE_LOCAL_SHARED_LEASES_H_
#define SCOUTLIGHT_STORAGE_LOCAL_SHARED_LEASES_H_

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "storage/local/lease_clock.h"
#include "storage/local/lease_table.h"

namespace scoutlight::storage {

// The lease table and the time it goes by, with their lock: renewals come from any thread, grants and ends from the leader.
// Lock order: before PublishedView's.
struct SharedLeases {
  Mutex mu;
  LeaseTable table ABSL_GUARDED_BY(mu);
  LeaseClock clock ABSL_GUARDED_BY(mu);
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_SHARED_LEASES_H_

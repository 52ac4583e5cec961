#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_STORE_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "storage/store.h"

namespace scoutlight::storage {

struct EtcdStoreOptions {
  std::string target;                               // As gRPC names servers: "127.0.0.1:2379", "ipv4:10.0.0.1:2379,10.0.0.2:2379".
  std::string prefix = "scoutlight/";               // Of all our etcd keys; stores with different ones do not meet.
  Clock* clock = &Clock::System();                  // Outlives the store.
  std::function<uint64_t()> random;                 // For the store id; must be set. Called while opening only.
  absl::Duration open_timeout = absl::Seconds(10);  // Until etcd answers first.
  absl::Duration call_timeout = absl::Seconds(5);   // Of one call to etcd.
  absl::Duration stale_after = absl::Seconds(1);    // See EtcdFollower.
};

// The Store over an etcd cluster that several servers may share; etcd 3.4 or later. Where it differs from what store.h says:
//
//   revisions     etcd's own. Other keys in the cluster take some too; the store id took the first.
//   Commit        EtcdTransaction says what etcd can express and what is refused. Done waits for the sink of Follow at most
//                 `stale_after`; then the sink is told OnStale first. Origin is not kept: request_id makes nothing idempotent.
//   changes_max   is not enforced: etcd deletes what a range holds, and does not say how much before it has.
//   Read          always linearizable, min_revision saves nothing.
//   oldest        of results is the oldest revision known of; others may have compacted since. Exact when kOutOfRange says kCompacted.
//   Batch         `committed` is when this server saw it, and every cause is kWrite: etcd does not tell that a lease has ended.
//   RevokeLease   counts the keys that were on the lease just before.
//   leases        are those of the whole cluster; whole seconds, rounded up. Request ids of grants and revocations are not looked at.
//   destructor    waits up to a second for the changes in flight; one that etcd leaves open longer ends with kUnknown, kOutcomeUnknown,
//                 not kUnavailable.
//
// A done runs on the store's one thread, the sink's methods too. At most 4,096 calls to etcd are in flight (kResourceExhausted).

// Waits until etcd answers, at most `open_timeout`, and makes the store id if there is none. kUnavailable: it does not answer.
absl::StatusOr<std::unique_ptr<Store>> OpenEtcdStore(EtcdStoreOptions options);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_STORE_H_

#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_STORE_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "storage/etcd/etcd_client.h"
#include "storage/store.h"

namespace scoutlight::storage {

struct EtcdStoreOptions {
  std::vector<std::string> endpoints;  // "host:port" of members of one cluster, at least one.
  EtcdTls tls;
  std::string user;  // Empty: none.
  std::string password;
  std::string prefix = "scoutlight/";               // Of all our etcd keys; stores with different ones do not meet.
  Clock* clock = &Clock::System();                  // Outlives the store.
  std::function<uint64_t()> random;                 // For ids of store and leases; must be set. Called while opening only.
  absl::Duration open_timeout = absl::Seconds(10);  // Until etcd answers first.
  absl::Duration call_timeout = absl::Seconds(5);   // Of one call to etcd.
  absl::Duration stale_after = absl::Seconds(1);    // See EtcdFollower.
};

// The Store over an etcd cluster, version 3.4 or later, that several servers may share. It keeps store.h's promises; what etcd imposes:
//
//   traits        126 operations, 4,096 changed keys, 1.5 MiB sent and 4 MiB of new and previous entries; ttl from 2 s. Within these a
//                 transaction is one transaction of etcd; what does not fit is refused, naming the limit, never split.
//   Commit        Most are one call; those that etcd cannot bound or express are read first (EtcdCommit), and end with kAborted,
//   kContended,
//                 if others keep changing what they read. Done waits for the sink of Follow at most about `stale_after`; then the sink is
//                 told OnStale first. One that etcd was sent and did not answer ends with kUnknown, unless it has a request id: then it is
//                 asked for again. While etcd's space is used up (NOSPACE) puts are refused with kDiskFull and deletes go on; their cause
//                 may then be shown as the end of a lease. A change that meets the moment in which that begins ends with kUnknown.
//   Follow        what others wrote through other servers is shown a little later than it can be read: a watch that begins "now" begins
//                 there. What was there before such a change is not known if it was compacted away meanwhile.
//   request ids   are remembered for 10 to 11 minutes, by the cluster: whichever server is asked. Those of revocations are not, nor of
//                 grants that name their lease. A first grant for which etcd had to be asked again is called a repetition.
//   revisions     etcd's own. Other applications' writes, fences and leases of request ids take some too.
//   oldest        of results is the oldest revision known of; others may have compacted since. Exact when kOutOfRange says kCompacted.
//   Read          always linearizable, min_revision saves nothing.
//   Batch         `committed` is by the clock of the server that wrote; of the end of a lease, when this server saw it.
//   RevokeLease   counts the keys that were on the lease just before. A revocation that was begun but not finished makes the lease's end
//                 count as revoked, whenever it comes; the call is OK if the lease ends meanwhile, else OUTCOME_UNKNOWN.
//   RenewLeases   `revision` is that of a member just before: not the latest, if others write elsewhere.
//   leases        are those of the whole cluster, in whole seconds; how much is on one is not bounded. They get their full ttl anew when
//                 the cluster changes its leader. Ids from 2^62 on are this store's own. Before 3.4.31 and 3.5.13 a leader that stood still
//                 ends leases when it goes on that have run out by what it knew, whoever renewed them meanwhile.
//   another store under the same prefix (wiped, restored) ends all calls with kUnavailable until the store is opened anew.
//   destructor    waits up to a second for the changes in flight; one that etcd leaves open longer ends with kUnknown, kOutcomeUnknown.
//                 No thread has a DeferScope open then in which it has called Commit: what that defers refers to the store.
//
// A done runs on the store's one thread or in its place on one of gRPC's, never two at a time; the sink's methods too. At most 4,096 calls
// to etcd are in flight (kResourceExhausted).

// Waits until etcd answers, at most `open_timeout`, and makes the store id if there is none. kUnavailable: it does not answer, or refuses
// this user.
absl::StatusOr<std::unique_ptr<Store>> OpenEtcdStore(EtcdStoreOptions options);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_STORE_H_

#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_LEASES_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_LEASES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/store.h"

namespace scoutlight::storage {

// What came of a call about leases. If `outcome` is not ok, the result says nothing.
struct EtcdLeaseResult {
  RpcOutcome outcome;
  LeaseResult result;
};
struct EtcdLeaseListResult {
  RpcOutcome outcome;
  LeaseList list;
};

struct EtcdRevokeResult {
  RpcOutcome outcome;
  absl::Status status;  // kNotFound: there is no such lease.
  Revision revision = 0;
  int64_t deleted = 0;
  bool ended_meanwhile = false;  // By other means; `revision` is the cluster's latest, which may be of others.
};

struct EtcdGrant {
  enum class Id { kGiven, kDrawnFromRequest, kDrawnAtRandom };

  LeaseId id = 0;
  Id is = Id::kGiven;
  absl::Duration ttl;
  std::string request_id;
};

// Grants `id` (not 0) for `ttl`, rounded up to seconds. kAlreadyExists in the result's status: it is in use. If the id was drawn at random,
// the lease that is there is an earlier try's. If it was drawn from a request, the lease that is there is that request's, if it has the
// same ttl, and the result says replayed; with another ttl: kInvalidArgument, kRequestIdReused.
void GrantEtcdLease(EtcdClient& client, EtcdGrant grant, absl::AnyInvocable<void(EtcdLeaseResult) &&> done);

// Ends the lease. If nodes are on it, what stands for its revocation is put on it first, so that whoever sees them go knows why. `deleted`
// counts those that were there just before. kNotFound in the status: it was not there when this began; if it ends meanwhile by other means,
// this is as good as done. kUnknown also when etcd took what stands for the revocation, but not the revocation.
void RevokeEtcdLease(EtcdClient& client, const EtcdMapping& mapping, LeaseId id, absl::AnyInvocable<void(EtcdRevokeResult) &&> done);

// The lease with its keys, those of other applications left out; kNotFound in the result's status: there is none. `done` runs on the
// client's thread; `client` and `mapping` outlive the call.
void GetEtcdLease(EtcdClient& client, const EtcdMapping& mapping, LeaseId id, absl::AnyInvocable<void(EtcdLeaseResult) &&> done);

// Leases of the cluster with a positive id greater than `after`, at most `leases_max`: one call for the ids of all, then one for each of
// these, a few at a time.
void ListEtcdLeases(EtcdClient& client, LeaseId after, int leases_max, absl::AnyInvocable<void(EtcdLeaseListResult) &&> done);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_LEASES_H_

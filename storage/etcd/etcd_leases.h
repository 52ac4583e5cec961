#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_LEASES_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_LEASES_H_

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

// The lease with its keys, those of other applications left out; kNotFound in the result's status: there is none. `done` runs on the
// client's thread; `client` and `mapping` outlive the call.
void GetEtcdLease(EtcdClient& client, const EtcdMapping& mapping, LeaseId id, absl::AnyInvocable<void(EtcdLeaseResult) &&> done);

// All leases of the cluster: one call for their ids, then one for each, a few at a time.
void ListEtcdLeases(EtcdClient& client, absl::AnyInvocable<void(EtcdLeaseListResult) &&> done);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_LEASES_H_

#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_READ_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_READ_H_

#include "absl/functional/any_invocable.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/store.h"

namespace scoutlight::storage {

// What came of a read. If `outcome` is not ok, the page says nothing; else the page's oldest_revision is left to the caller.
struct EtcdReadResult {
  RpcOutcome outcome;
  Page page;
};

// Reads one page of `query` from etcd; `done` runs on the client's thread. A key costs one call. A list first walks the keys of the range
// without values at one revision (calls of at most 1,000 keys; children skip the rest of each child's subtree), as far as the page
// reaches, or all of it for Order::kCreation (limits::kCreationOrderEntriesMax); then, unless only keys are asked for, gets the values of
// the page's entries in groups that grow while they are small. `client` and `mapping` outlive the read.
void ReadFromEtcd(EtcdClient& client, const EtcdMapping& mapping, Query query, absl::AnyInvocable<void(EtcdReadResult) &&> done);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_READ_H_

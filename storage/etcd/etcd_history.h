#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_HISTORY_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_HISTORY_H_

#include <cstddef>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_fence.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/store.h"

namespace scoutlight::storage {

struct EtcdHistoryRequest {
  Revision from = 0;
  Revision to = 0;  // Not in the future: see below.
  KeyRange range;
  size_t bytes_max = 0;
  absl::Time now;          // Dates ends of leases that no write comes before.
  absl::Duration timeout;  // For all of it.
};

// `compacted` not 0: `from` is gone, this is the oldest that can be asked for. Else, if `outcome` is not ok, the page says nothing. The
// page's oldest_revision is left to the caller.
struct EtcdHistoryResult {
  RpcOutcome outcome;
  Revision compacted = 0;
  HistoryPage page;
};

// Store::History by a watch that begins at `from` and ends behind `to`; `done` runs on the client's thread. For that there must be
// something to see at `to` or later: if no mark was put so late, a fence is. All outlive it.
void ReadEtcdHistory(EtcdClient& client, const EtcdMapping& mapping, EtcdFence& fence, EtcdHistoryRequest request,
                     absl::AnyInvocable<void(EtcdHistoryResult) &&> done);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_HISTORY_H_

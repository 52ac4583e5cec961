#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_HISTORY_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_HISTORY_H_

#include <cstddef>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/store.h"

namespace scoutlight::storage {

struct EtcdHistoryRequest {
  Revision from = 0;
  Revision to = 0;  // Not in the future: see below.
  KeyRange range;
  size_t bytes_max = 0;
  absl::Time seen;         // Dates the batches: etcd does not.
  absl::Duration timeout;  // For all of it.
};

// `compacted` not 0: `from` is gone, this is the oldest that can be asked for. Else, if `outcome` is not ok, the page says nothing. The
// page's oldest_revision is left to the caller.
struct EtcdHistoryResult {
  RpcOutcome outcome;
  Revision compacted = 0;
  HistoryPage page;
};

// Store::History by a watch that begins at `from` and ends behind `to`; `done` runs on the client's thread. The watch is over all of
// etcd's keys: only so is there an event at `to` for certain, which tells that nothing more comes; a watch over fewer keys stays silent,
// and etcd before 3.4.31 may answer a request for progress too early. `client` and `mapping` outlive it.
void ReadEtcdHistory(EtcdClient& client, const EtcdMapping& mapping, EtcdHistoryRequest request,
                     absl::AnyInvocable<void(EtcdHistoryResult) &&> done);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_HISTORY_H_

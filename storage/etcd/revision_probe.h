#ifndef SCOUTLIGHT_STORAGE_ETCD_REVISION_PROBE_H_
#define SCOUTLIGHT_STORAGE_ETCD_REVISION_PROBE_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "base/entry.h"
#include "storage/etcd/etcd_client.h"

namespace scoutlight::storage {

struct RevisionBounds {
  RpcOutcome outcome;  // Not ok: the rest says nothing.
  Revision latest = 0;
  Revision oldest = 0;  // Of the states that can be read.
};

// Finds the latest revision, and the oldest that can be read: etcd names it nowhere, but refuses to read before it, so that reads of
// `etcd_key`, which need not be there, find it by halving. `known` is no later than it. `done` runs on the client's thread; `client`
// outlives the call.
void ProbeRevisions(EtcdClient& client, const std::string& etcd_key, Revision known, absl::AnyInvocable<void(RevisionBounds) &&> done);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_REVISION_PROBE_H_

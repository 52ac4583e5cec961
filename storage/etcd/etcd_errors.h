#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_ERRORS_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "base/key.h"
#include "storage/etcd/etcd_client.h"

// The errors of the etcd store, and what etcd's own mean, in one place.
namespace scoutlight::storage {

// What a failed call means when it changes nothing: kUnavailable, kResourceExhausted, kInternal for what etcd should never say.
absl::Status ReadError(const RpcOutcome& outcome);
// What it means when it changes something: as ReadError if nothing can have changed, else kUnknown, kOutcomeUnknown.
absl::Status WriteError(const RpcOutcome& outcome);

// What etcd complains about, told from code and text: the codes alone do not tell.
bool IsCompacted(const RpcOutcome& outcome);
bool IsFutureRevision(const RpcOutcome& outcome);
bool IsLeaseNotFound(const RpcOutcome& outcome);

absl::Status Inexpressible(absl::string_view field, absl::string_view description);
absl::Status EtcdTransactionTooLarge(absl::string_view description);
// `field` is that of the request which names the key, the revision, the lease.
absl::Status EtcdKeyExists(absl::string_view field, const Key& key);
// `actual` 0: the key is not there.
absl::Status EtcdUnexpectedRevision(absl::string_view field, const Key& key, Revision expected, Revision actual);
// `id` 0: it is not known which. `field` may be empty.
absl::Status EtcdLeaseNotFound(absl::StatusCode code, LeaseId id, absl::string_view field = "");
absl::Status EtcdLeaseExists(LeaseId id);
absl::Status EtcdCompacted(Revision revision, Revision oldest);
absl::Status EtcdFutureRevision(Revision revision, Revision latest);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_ERRORS_H_

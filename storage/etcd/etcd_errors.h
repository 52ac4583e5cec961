#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_ERRORS_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "storage/etcd/etcd_client.h"

// What the errors of etcd mean. What the store itself finds wrong is worded in storage/store_errors.h.
namespace scoutlight::storage {

// What a failed call means when it changes nothing: kUnavailable, kResourceExhausted, kInternal for what etcd should never say.
absl::Status ReadError(const RpcOutcome& outcome);
// What it means when it changes something: as ReadError if nothing can have changed, else kUnknown, kOutcomeUnknown. That is so of NOSPACE
// too, which etcd also says of the changes that it made last before it took no more.
absl::Status WriteError(const RpcOutcome& outcome);

// What etcd complains about, told from code and text: the codes alone do not tell.
bool IsCompacted(const RpcOutcome& outcome);
bool IsFutureRevision(const RpcOutcome& outcome);
bool IsLeaseNotFound(const RpcOutcome& outcome);
bool IsFull(const RpcOutcome& outcome);

// Of a change that was not sent because etcd is known to take no puts.
absl::Status EtcdIsFull();

// Of a change that was made, when etcd's answer to it holds what no ScoutLight wrote: kUnknown, kOutcomeUnknown.
absl::Status MadeButUnreadable(const absl::Status& why);

// Another store than the one that was opened answers: kUnavailable, until the server is started anew.
absl::Status StoreExchanged(absl::string_view description);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_ERRORS_H_

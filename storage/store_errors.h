#ifndef SCOUTLIGHT_STORAGE_STORE_ERRORS_H_
#define SCOUTLIGHT_STORAGE_STORE_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "base/key.h"

// The errors of stores, worded in one place for all backends.
namespace scoutlight::storage {

// `field` as below; empty: the request is about the lease itself. `id` 0: a backend could not tell which one it is.
absl::Status LeaseNotFound(absl::StatusCode code, LeaseId id, absl::string_view field = "");
// For a result that itself says which lease it is of: kNotFound.
absl::Status RenewedLeaseNotFound();
absl::Status LeaseExists(LeaseId id);
// `field`: that of the operation which failed, such as "put.if_absent"; whoever knows the operation's place puts it in front.
absl::Status KeyExists(const Key& key, absl::string_view field);
// `actual` 0: the key is not there.
absl::Status UnexpectedRevision(const Key& key, Revision expected, Revision actual, absl::string_view field);
// Of the field `revision`.
absl::Status Compacted(Revision revision, Revision oldest);
absl::Status FutureRevision(Revision revision, Revision latest);
absl::Status TransactionTooLarge(absl::string_view description);
absl::Status AnswerTooLarge();
absl::Status RequestIdReused(absl::string_view request_id);
absl::Status Overloaded(absl::string_view description);
absl::Status DiskFull();
absl::Status ReadOnly(absl::string_view problem);
absl::Status OutcomeUnknown(absl::string_view problem);
absl::Status Closing();

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_STORE_ERRORS_H_

#ifndef SCOUTLIGHT_STORAGE_LOCAL_STORE_ERRORS_H_
#define SCOUTLIGHT_STORAGE_LOCAL_STORE_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "base/key.h"

// The errors of the embedded store, worded in one place.
namespace scoutlight::storage {

absl::Status LeaseNotFound(absl::StatusCode code, LeaseId id);
absl::Status LeaseExists(LeaseId id);
absl::Status KeyExists(const Key& key);
// `actual` 0: the key is not there.
absl::Status UnexpectedRevision(const Key& key, Revision expected, Revision actual);
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

#endif  // SCOUTLIGHT_STORAGE_LOCAL_STORE_ERRORS_H_

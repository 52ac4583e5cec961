#include "storage/store_errors.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "base/limits.h"

namespace scoutlight::storage {
namespace {

constexpr absl::Duration kRetrySoon = absl::Milliseconds(100);
constexpr absl::Duration kRetryLater = absl::Seconds(1);

absl::Status About(absl::StatusCode code, Reason reason, std::string resource, std::string message, absl::string_view field = "") {
  ErrorDetails details;
  details.reason = reason;
  if (!field.empty()) details.violations = {{std::string(field), message}};
  details.resource = std::move(resource);
  return MakeError(code, message, details);
}

absl::Status TryAgain(absl::StatusCode code, Reason reason, absl::Duration after, std::string message) {
  ErrorDetails details;
  details.reason = reason;
  details.retry_after = after;
  return MakeError(code, message, details);
}

}  // namespace

absl::Status LeaseNotFound(absl::StatusCode code, LeaseId id, absl::string_view field) {
  if (id == 0) return About(code, Reason::kLeaseNotFound, "", "a lease named in the transaction does not exist (any more)", field);
  return About(code, Reason::kLeaseNotFound, absl::StrCat(id), absl::StrCat("there is no lease ", id, " (any more)"), field);
}

absl::Status RenewedLeaseNotFound() {
  return About(absl::StatusCode::kNotFound, Reason::kLeaseNotFound, "", "there is no such lease (any more)");
}

absl::Status LeaseExists(LeaseId id) {
  return About(absl::StatusCode::kAlreadyExists, Reason::kLeaseExists, absl::StrCat(id), absl::StrCat("lease ", id, " is in use"));
}

absl::Status KeyExists(const Key& key, absl::string_view field) {
  return About(absl::StatusCode::kAlreadyExists, Reason::kKeyExists, key.path(), absl::StrCat("\"", key.path(), "\" is already there"),
               field);
}

absl::Status UnexpectedRevision(const Key& key, Revision expected, Revision actual, absl::string_view field) {
  const std::string is = actual == 0 ? std::string("it is not there") : absl::StrCat("its mod_revision is ", actual);
  const std::string should = expected == 0 ? std::string("expected it not to be there") : absl::StrCat("expected mod_revision ", expected);
  return About(absl::StatusCode::kFailedPrecondition, Reason::kConditionFailed, key.path(),
               absl::StrCat("\"", key.path(), "\": ", should, ", but ", is), field);
}

absl::Status Compacted(Revision revision, Revision oldest) {
  return About(absl::StatusCode::kOutOfRange, Reason::kCompacted, "",
               absl::StrCat("revision ", revision, " is not kept any more, the oldest is ", oldest), "revision");
}

absl::Status FutureRevision(Revision revision, Revision latest) {
  return About(absl::StatusCode::kOutOfRange, Reason::kFutureRevision, "",
               absl::StrCat("revision ", revision, " is in the future, the latest is ", latest), "revision");
}

absl::Status TransactionTooLarge(absl::string_view description) {
  return About(absl::StatusCode::kInvalidArgument, Reason::kTransactionTooLarge, "", std::string(description));
}

absl::Status AnswerTooLarge() {
  return About(absl::StatusCode::kInvalidArgument, Reason::kAnswerTooLarge, "",
               absl::StrCat("the answer would hold over ", limits::kAnswerBytesMax, " bytes; ask for less, or not for previous entries"));
}

absl::Status RequestIdReused(absl::string_view request_id) {
  return InvalidField(Reason::kRequestIdReused, "request_id", absl::StrCat("\"", request_id, "\" was used for another request before"));
}

absl::Status Overloaded(absl::string_view description) {
  return TryAgain(absl::StatusCode::kResourceExhausted, Reason::kOverloaded, kRetrySoon, std::string(description));
}

absl::Status DiskFull() {
  return TryAgain(absl::StatusCode::kResourceExhausted, Reason::kDiskFull, kRetryLater,
                  "the disk is nearly full: only reads and deletes are served until there is space again");
}

absl::Status ReadOnly(absl::string_view problem) {
  return TryAgain(absl::StatusCode::kUnavailable, Reason::kReadOnly, kRetryLater,
                  absl::StrCat("the store is read-only while it recovers from a disk fault: ", problem));
}

absl::Status OutcomeUnknown(absl::string_view problem) {
  return TryAgain(absl::StatusCode::kUnknown, Reason::kOutcomeUnknown, kRetryLater,
                  absl::StrCat("the disk failed while this was written, it may or may not survive: ", problem));
}

absl::Status Closing() { return TryAgain(absl::StatusCode::kUnavailable, Reason::kDraining, kRetryLater, "the store is closing"); }

}  // namespace scoutlight::storage

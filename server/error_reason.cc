#include "server/error_reason.h"

namespace scoutlight::server {
namespace {

constexpr absl::Duration kRetryAfterDefault = absl::Seconds(1);

// Of an error that says nothing finer than its code.
Reason ReasonForCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
      return Reason::kInvalidField;
    case absl::StatusCode::kNotFound:
      return Reason::kKeyNotFound;
    case absl::StatusCode::kAlreadyExists:
      return Reason::kKeyExists;
    case absl::StatusCode::kFailedPrecondition:
      return Reason::kConditionFailed;
    case absl::StatusCode::kAborted:
      return Reason::kFenced;
    case absl::StatusCode::kOutOfRange:
      return Reason::kCompacted;
    case absl::StatusCode::kResourceExhausted:
      return Reason::kOverloaded;
    case absl::StatusCode::kUnavailable:
      return Reason::kBackendUnavailable;
    case absl::StatusCode::kDataLoss:
      return Reason::kDataCorrupted;
    case absl::StatusCode::kPermissionDenied:
      return Reason::kNotAllowed;
    case absl::StatusCode::kOk:
    case absl::StatusCode::kCancelled:
      return Reason::kUnspecified;
    default:
      return Reason::kInternal;
  }
}

}  // namespace

absl::Duration RetryAfter(const absl::Status& status) {
  const absl::Duration asked = DetailsOf(status).value_or(ErrorDetails()).retry_after;
  if (asked > absl::ZeroDuration()) return asked;
  // Shared capacity and outages pass.
  const bool passes = absl::IsResourceExhausted(status) || absl::IsUnavailable(status);
  return passes ? kRetryAfterDefault : absl::ZeroDuration();
}

Reason ReasonShown(const absl::Status& status) {
  const Reason reason = ReasonOf(status);
  return reason == Reason::kUnspecified ? ReasonForCode(status.code()) : reason;
}

}  // namespace scoutlight::server

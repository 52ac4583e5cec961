#include "storage/etcd/etcd_errors.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/error.h"

namespace scoutlight::storage {
namespace {

constexpr absl::Duration kRetryAfter = absl::Milliseconds(500);

// `field` empty: no field of the request is to blame.
absl::Status About(absl::StatusCode code, Reason reason, std::string resource, std::string message, absl::string_view field = "") {
  ErrorDetails details;
  details.reason = reason;
  details.resource = std::move(resource);
  if (!field.empty()) details.violations.push_back({std::string(field), message});
  return MakeError(code, message, details);
}

absl::Status TryAgain(absl::StatusCode code, Reason reason, std::string message) {
  ErrorDetails details;
  details.reason = reason;
  details.retry_after = kRetryAfter;
  return MakeError(code, message, details);
}

}  // namespace

absl::Status ReadError(const RpcOutcome& outcome) {
  switch (outcome.code) {
    case absl::StatusCode::kResourceExhausted: {
      const bool full = absl::StrContains(outcome.message, "database space exceeded");
      return TryAgain(outcome.code, full ? Reason::kDiskFull : Reason::kOverloaded, absl::StrCat("etcd: ", outcome.message));
    }
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kUnknown:
      return TryAgain(absl::StatusCode::kUnavailable, Reason::kBackendUnavailable, absl::StrCat("etcd did not answer: ", outcome.message));
    default:
      return About(absl::StatusCode::kInternal, Reason::kInternal, "",
                   absl::StrCat("etcd refused a request (code ", static_cast<int>(outcome.code), "): ", outcome.message));
  }
}

absl::Status WriteError(const RpcOutcome& outcome) {
  switch (outcome.code) {
    // etcd says these only before it proposes a change, or when applying it has changed nothing.
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return ReadError(outcome);
    default:
      break;
  }
  if (!outcome.reached_etcd) return ReadError(outcome);
  return TryAgain(absl::StatusCode::kUnknown, Reason::kOutcomeUnknown,
                  absl::StrCat("etcd was asked for the change, but did not say what came of it: ", outcome.message));
}

bool IsCompacted(const RpcOutcome& outcome) {
  return outcome.code == absl::StatusCode::kOutOfRange && absl::StrContains(outcome.message, "has been compacted");
}

bool IsFutureRevision(const RpcOutcome& outcome) {
  return outcome.code == absl::StatusCode::kOutOfRange && absl::StrContains(outcome.message, "future revision");
}

bool IsLeaseNotFound(const RpcOutcome& outcome) {
  return outcome.code == absl::StatusCode::kNotFound && absl::StrContains(outcome.message, "lease not found");
}

absl::Status Inexpressible(absl::string_view field, absl::string_view description) {
  return InvalidField(Reason::kInvalidField, field, absl::StrCat("cannot be carried out over etcd: ", description));
}

}  // namespace scoutlight::storage

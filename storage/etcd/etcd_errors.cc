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

absl::Status About(absl::StatusCode code, Reason reason, std::string message) {
  ErrorDetails details;
  details.reason = reason;
  return MakeError(code, message, details);
}

absl::Status TryAgain(absl::StatusCode code, Reason reason, std::string message) {
  ErrorDetails details;
  details.reason = reason;
  details.retry_after = kRetryAfter;
  return MakeError(code, message, details);
}

// The server's own rights to etcd are not its callers' affair: until an operator mends them, there is no store.
absl::Status RefusesUser(absl::string_view told) {
  return TryAgain(absl::StatusCode::kUnavailable, Reason::kBackendUnavailable,
                  absl::StrCat(told, " (the user that this server is given for etcd, or its password)"));
}

}  // namespace

bool IsFull(const RpcOutcome& outcome) {
  return outcome.code == absl::StatusCode::kResourceExhausted && absl::StrContains(outcome.message, "database space exceeded");
}

absl::Status ReadError(const RpcOutcome& outcome) {
  const std::string told = absl::StrCat("etcd: ", outcome.message);
  switch (outcome.code) {
    case absl::StatusCode::kResourceExhausted:
      if (absl::StrContains(outcome.message, "larger than max")) {
        return About(absl::StatusCode::kInvalidArgument, Reason::kTransactionTooLarge,
                     absl::StrCat(told, "; this cluster is set to take less than etcd's default"));
      }
      return TryAgain(outcome.code, IsFull(outcome) ? Reason::kDiskFull : Reason::kOverloaded, told);
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kUnknown:
      return TryAgain(absl::StatusCode::kUnavailable, Reason::kBackendUnavailable, absl::StrCat("etcd did not answer: ", outcome.message));
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return RefusesUser(told);
    case absl::StatusCode::kInvalidArgument:
      if (absl::StrContains(outcome.message, "request is too large") || absl::StrContains(outcome.message, "too many operations")) {
        return About(outcome.code, Reason::kTransactionTooLarge,
                     absl::StrCat(told, "; this cluster is set to take less than etcd's default"));
      }
      if (absl::StrContains(outcome.message, "authentication failed") || absl::StrContains(outcome.message, "user name is empty")) {
        return RefusesUser(told);
      }
      break;
    default:
      break;
  }
  return About(absl::StatusCode::kInternal, Reason::kInternal,
               absl::StrCat("etcd refused a request (code ", static_cast<int>(outcome.code), "): ", outcome.message));
}

absl::Status WriteError(const RpcOutcome& outcome) {
  const absl::StatusCode code = IsFull(outcome) ? absl::StatusCode::kUnknown : outcome.code;
  switch (code) {
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

absl::Status EtcdIsFull() {
  return TryAgain(absl::StatusCode::kResourceExhausted, Reason::kDiskFull,
                  "etcd's space is used up (NOSPACE): it takes deletes alone until it was compacted, defragmented and its alarm disarmed");
}

absl::Status MadeButUnreadable(const absl::Status& why) {
  return About(absl::StatusCode::kUnknown, Reason::kOutcomeUnknown,
               absl::StrCat("etcd has made the change, but what it answers cannot be read: ", why.message()));
}

absl::Status StoreExchanged(absl::string_view description) {
  return About(absl::StatusCode::kUnavailable, Reason::kBackendUnavailable, std::string(description));
}

}  // namespace scoutlight::storage

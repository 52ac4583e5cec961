#include "client/gates/nng_status.h"

#include <nng/nng.h>

#include "absl/strings/str_cat.h"

namespace scoutlight::client {
namespace {

absl::StatusCode CodeOf(int result) {
  switch (result) {
    case NNG_ENOMEM:
    case NNG_ENOFILES:
    case NNG_ENOSPC:
      return absl::StatusCode::kResourceExhausted;
    case NNG_EINVAL:
    case NNG_EADDRINVAL:
    case NNG_EMSGSIZE:
      return absl::StatusCode::kInvalidArgument;
    case NNG_ETIMEDOUT:
      return absl::StatusCode::kDeadlineExceeded;
    case NNG_EADDRINUSE:
      return absl::StatusCode::kAlreadyExists;
    case NNG_ECLOSED:
    case NNG_ESTATE:
      return absl::StatusCode::kFailedPrecondition;
    case NNG_EPERM:
      return absl::StatusCode::kPermissionDenied;
    case NNG_ENOTSUP:
      return absl::StatusCode::kUnimplemented;
    case NNG_ECANCELED:
      return absl::StatusCode::kCancelled;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

}  // namespace

absl::Status NngStatus(int result, absl::string_view what) {
  if (result == 0) return absl::OkStatus();
  return absl::Status(CodeOf(result), absl::StrCat(what, ": ", nng_strerror(result)));
}

}  // namespace scoutlight::client

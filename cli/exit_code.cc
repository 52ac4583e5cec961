#include "cli/exit_code.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace scoutlight::cli {
namespace {

constexpr absl::string_view kCodePayload = "scoutlight/cli/exit_code";

}  // namespace

absl::Status WithExitCode(absl::Status failed, ExitCode code) {
  failed.SetPayload(kCodePayload, absl::Cord(absl::StrCat(static_cast<int>(code))));
  return failed;
}

absl::Status PassedOn(int code) { return code == 0 ? absl::OkStatus() : WithExitCode(absl::UnknownError(""), static_cast<ExitCode>(code)); }

bool IsPassedOn(const absl::Status& status) { return status.message().empty() && status.GetPayload(kCodePayload).has_value(); }

ExitCode ExitCodeOf(const absl::Status& status) {
  const absl::optional<absl::Cord> given = status.GetPayload(kCodePayload);
  int code = 0;
  if (given.has_value() && absl::SimpleAtoi(std::string(*given), &code)) return static_cast<ExitCode>(code);
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kInvalidArgument:
      return ExitCode::kUsage;
    case absl::StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kOutOfRange:
      return ExitCode::kPrecondition;
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kDeadline;
    case absl::StatusCode::kUnavailable:
      return ExitCode::kUnavailable;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return ExitCode::kPermission;
    default:
      return ExitCode::kOther;
  }
}

absl::string_view ExitCodesText() {
  return "0 done, 1 other failure, 2 wrong usage, 3 not found, 4 exists already or is not as expected, 5 deadline,\n"
         "6 unavailable, 7 permission; run, lock and elect pass on the code of their command, 75: the lock was lost.";
}

}  // namespace scoutlight::cli

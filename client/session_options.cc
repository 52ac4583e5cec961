#include "client/session_options.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"

namespace scoutlight {
namespace {

void CheckWithin(absl::Duration value, absl::Duration min, absl::Duration max, absl::string_view field,
                 std::vector<FieldViolation>* violations) {
  if (value >= min && value <= max) return;
  violations->push_back({std::string(field), absl::StrCat("is ", absl::FormatDuration(value), ", must be from ", absl::FormatDuration(min),
                                                          " to ", absl::FormatDuration(max))});
}

absl::Status StatusOf(std::vector<FieldViolation> violations) {
  return violations.empty() ? absl::OkStatus() : InvalidFields(Reason::kInvalidField, std::move(violations));
}

}  // namespace

absl::Status CheckOptions(const SessionOptions& options) {
  std::vector<FieldViolation> violations;
  if (options.session_id.size() > limits::kSessionIdBytesMax) {
    violations.push_back({"session_id", absl::StrCat("is ", options.session_id.size(), " bytes long, at most ", limits::kSessionIdBytesMax,
                                                     " are allowed")});
  }
  CheckWithin(options.ttl, limits::kLeaseTtlMin, limits::kLeaseTtlMax, "ttl", &violations);
  return StatusOf(std::move(violations));
}

absl::Status CheckOptions(const LeaveOptions& options) {
  std::vector<FieldViolation> violations;
  if (options.drain.has_value()) {
    CheckWithin(options.drain->timeout, absl::ZeroDuration(), limits::kDrainTimeoutMax, "drain.timeout", &violations);
    CheckWithin(options.drain->linger, absl::ZeroDuration(), limits::kDrainTimeoutMax, "drain.linger", &violations);
  }
  CheckWithin(options.deregister_timeout, absl::ZeroDuration(), limits::kDrainTimeoutMax, "deregister_timeout", &violations);
  return StatusOf(std::move(violations));
}

}  // namespace scoutlight

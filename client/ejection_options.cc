#include "client/ejection_options.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace scoutlight {
namespace {

void CheckNumber(absl::string_view prefix, absl::string_view field, int value, int min, int max, std::vector<FieldViolation>* violations) {
  if (value >= min && value <= max) return;
  violations->push_back({absl::StrCat(prefix, field), absl::StrCat("is ", value, ", ", min, " to ", max, " is allowed")});
}

void CheckTime(absl::string_view prefix, absl::string_view field, absl::Duration value, absl::Duration max,
               std::vector<FieldViolation>* violations) {
  if (value >= absl::Seconds(1) && value <= max) return;
  violations->push_back({absl::StrCat(prefix, field),
                         absl::StrCat("is ", absl::FormatDuration(value), ", 1s to ", absl::FormatDuration(max), " is allowed")});
}

}  // namespace

std::vector<FieldViolation> CheckOptions(const EjectionOptions& options, absl::string_view prefix) {
  std::vector<FieldViolation> violations;
  CheckNumber(prefix, "failures_in_row", options.failures_in_row, 0, 10'000, &violations);
  CheckNumber(prefix, "failure_percent_max", options.failure_percent_max, 0, 100, &violations);
  CheckNumber(prefix, "calls_min", options.calls_min, 1, 1'000'000, &violations);
  CheckNumber(prefix, "instances_min", options.instances_min, 1, 10'000, &violations);
  CheckTime(prefix, "interval", options.interval, absl::Minutes(10), &violations);
  CheckTime(prefix, "time", options.time, absl::Hours(1), &violations);
  CheckTime(prefix, "time_max", options.time_max, absl::Hours(1), &violations);
  CheckNumber(prefix, "ejected_percent_max", options.ejected_percent_max, 0, 100, &violations);
  return violations;
}

}  // namespace scoutlight

#ifndef SCOUTLIGHT_CLIENT_EJECTION_OPTIONS_H_
#define SCOUTLIGHT_CLIENT_EJECTION_OPTIONS_H_

#include <vector>

#include "absl/time/time.h"
#include "base/error.h"

namespace scoutlight {

// When a locator stops picking an instance for a while because this program's calls of it fail, as told by Call::Failed(): outlier ejection
// after gRFC A50 (failure percentage algorithm), with Envoy's consecutive failures ("Outlier detection", consecutive_5xx) beside it. The
// defaults are theirs. An ejected instance is still picked if no other takes work.
struct EjectionOptions {
  // So many failures in a row eject at once; 0: they do not. At most 10,000.
  int failures_in_row = 5;
  // More failures than this share of an interval's calls eject at its end, of an instance with at least `calls_min` of them, where at least
  // `instances_min` have so many. 0 to 100; 100: never.
  int failure_percent_max = 85;
  int calls_min = 50;     // 1 to 1,000,000.
  int instances_min = 5;  // 1 to 10,000.
  // How often shares are looked at and ejections ended: 1 s to 10 min.
  absl::Duration interval = absl::Seconds(10);
  // The first ejection lasts for `time`, the next twice that, and so on up to `time_max`; each interval without takes one off. 1 s to 1 h.
  absl::Duration time = absl::Seconds(30);
  absl::Duration time_max = absl::Minutes(5);
  // While this share of the instances that take work, or more, is ejected, no other is; the last one never is. 0 to 100.
  int ejected_percent_max = 10;
};

// Every violated field, with `prefix` before its name.
std::vector<FieldViolation> CheckOptions(const EjectionOptions& options, absl::string_view prefix);

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_EJECTION_OPTIONS_H_

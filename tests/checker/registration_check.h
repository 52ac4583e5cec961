#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_CHECK_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_CHECK_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/checker/findings.h"
#include "tests/checker/registration_history.h"

namespace scoutlight::checker {

struct RegistrationBounds {
  // Beyond 2 ttl of serving until an instance whose owner is silent is late, once for each life of the server that it has seen: the jitter
  // at a start (at most 5 s), the store's ticks, what a busy machine adds.
  absl::Duration late = absl::Seconds(15);
  // Of a pause, the part that counts against owners.
  absl::Duration unnoticed_pause = absl::Seconds(1);
  // For how long a drain waits for a subscriber that is gone, and after a start.
  absl::Duration grace = absl::Seconds(15);
};

// Judges what clients of discovery were told against the logs of the stores. Gives what it breaks, at most Findings::kPerRuleMax of each
// rule; empty: nothing. Costs n log n; not thread-safe, does not block.
std::vector<Violation> CheckRegistrations(const RegistrationHistory& history, const RegistrationBounds& bounds = {});

// For a person; empty without violations.
std::string ReportRegistrations(const std::vector<Violation>& violations);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_CHECK_H_

#ifndef SCOUTLIGHT_BASE_INSTANT_H_
#define SCOUTLIGHT_BASE_INSTANT_H_

#include "absl/time/time.h"
#include "base/clock.h"

namespace scoutlight {

// One moment as both clocks tell it: deadlines are counted by the one, people read the other.
struct Instant {
  absl::Duration since_boot;
  absl::Time calendar;

  static Instant Of(Clock* clock) { return {.since_boot = clock->SinceBoot(), .calendar = clock->Now()}; }
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_INSTANT_H_

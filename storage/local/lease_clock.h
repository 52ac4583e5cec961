#ifndef SCOUTLIGHT_STORAGE_LOCAL_LEASE_CLOCK_H_
#define SCOUTLIGHT_STORAGE_LOCAL_LEASE_CLOCK_H_

#include "absl/time/time.h"

namespace scoutlight::storage {

// The time that leases go by: it runs while the server does. From one look to the next it moves on by what has passed; but not at all when
// that is more than kStepMax: a stretch in which nobody looked is one in which the process was stopped or the machine slept, so no owner
// could renew, and none of it counts. A shorter stop does. Whoever looks at least every kStepMax loses nothing. Starts at zero, and stands
// still until Start() and from Stop() on. Holds no clock: callers pass the time since boot. Not thread-safe.
class LeaseClock {
 public:
  static constexpr absl::Duration kStepMax = absl::Milliseconds(500);

  // From here on it runs. Nothing happens when it does already.
  void Start(absl::Duration since_boot) {
    if (running_) return;
    running_ = true;
    seen_ = since_boot;
  }

  // From here on it stands still.
  void Stop(absl::Duration since_boot) {
    At(since_boot);
    running_ = false;
  }

  absl::Duration At(absl::Duration since_boot) {
    // Two threads may have read the clock in one order and come here in the other.
    if (!running_ || since_boot <= seen_) return time_;
    const absl::Duration passed = since_boot - seen_;
    if (passed <= kStepMax) time_ += passed;
    seen_ = since_boot;
    return time_;
  }

 private:
  bool running_ = false;
  absl::Duration seen_;
  absl::Duration time_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_LEASE_CLOCK_H_

#ifndef SCOUTLIGHT_BASE_CLOCK_H_
#define SCOUTLIGHT_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace scoutlight {

// Where the core learns the time. Only `main`, the client's outer door and tests choose one. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Calendar time, for what people read (commit times). It may jump either way.
  virtual absl::Time Now() = 0;

  // Time since an arbitrary start that never jumps and goes on while the machine sleeps (CLOCK_BOOTTIME), for deadlines.
  virtual absl::Duration SinceBoot() = 0;

  // The machine's clocks. Lives for the whole process.
  static Clock& System();
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_CLOCK_H_

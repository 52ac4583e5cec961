#ifndef SCOUTLIGHT_TESTS_SUPPORT_DEADLINE_H_
#define SCOUTLIGHT_TESTS_SUPPORT_DEADLINE_H_

#include <functional>

#include "absl/time/time.h"

namespace scoutlight::testing {

// How long a test waits for what must happen soon, before it fails. Far above what it takes, for a busy machine.
inline constexpr absl::Duration kSoon = absl::Seconds(30);

// A point in steady time. Copyable.
class Deadline {
 public:
  explicit Deadline(absl::Duration from_now);

  // Never negative.
  absl::Duration left() const;
  bool passed() const { return left() == absl::ZeroDuration(); }

 private:
  absl::Duration end_;  // Of the steady clock.
};

// Steady time since some point, to measure with.
absl::Duration SteadyNow();

// Asks for `condition` until it holds or `bound` has passed; whether it held. Blocks. For what nothing notifies of, such as the state of
// another process.
bool WaitUntil(const std::function<bool()>& condition, absl::Duration bound = kSoon);

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_DEADLINE_H_

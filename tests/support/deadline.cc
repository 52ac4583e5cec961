#include "tests/support/deadline.h"

#include <poll.h>

#include <algorithm>
#include <chrono>

namespace scoutlight::testing {

Deadline::Deadline(absl::Duration from_now) : end_(SteadyNow() + from_now) {}

absl::Duration Deadline::left() const { return std::max(absl::ZeroDuration(), end_ - SteadyNow()); }

absl::Duration SteadyNow() { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }

bool WaitUntil(const std::function<bool()>& condition, absl::Duration bound) {
  constexpr int kPauseMs = 10;
  const Deadline deadline(bound);
  while (!condition()) {
    if (deadline.passed()) return false;
    poll(nullptr, 0, kPauseMs);
  }
  return true;
}

}  // namespace scoutlight::testing

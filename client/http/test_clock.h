#ifndef SCOUTLIGHT_CLIENT_HTTP_TEST_CLOCK_H_
#define SCOUTLIGHT_CLIENT_HTTP_TEST_CLOCK_H_

#include "absl/time/time.h"
#include "base/clock.h"

namespace scoutlight::client {

// A clock that the test moves.
class TestClock final : public Clock {
 public:
  absl::Time Now() override { return absl::FromUnixSeconds(1'800'000'000) + passed_; }
  absl::Duration SinceBoot() override { return absl::Hours(1) + passed_; }
  void Advance(absl::Duration duration) { passed_ += duration; }

 private:
  absl::Duration passed_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_TEST_CLOCK_H_

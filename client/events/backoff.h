#ifndef SCOUTLIGHT_CLIENT_EVENTS_BACKOFF_H_
#define SCOUTLIGHT_CLIENT_EVENTS_BACKOFF_H_

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/error.h"

namespace scoutlight::client {

// The pace at which streams and calls are tried again: exponential backoff with full jitter (M. Brooker, "Exponential Backoff and Jitter",
// AWS Architecture Blog, 2015). Not thread-safe.
class Backoff {
 public:
  static constexpr absl::Duration kFirst = absl::Milliseconds(50);
  static constexpr absl::Duration kMax = absl::Seconds(2);
  // A stream that stayed for so long was a good one: the next begins anew.
  static constexpr absl::Duration kGoodAfter = absl::Seconds(10);

  // What who keeps a lease of `ttl` waits for at most of its own accord: of its life more than half is left after a heartbeat's interval, a
  // third of the ttl, and this.
  static absl::Duration WithinTtl(absl::Duration ttl) { return ttl / 8; }

  // `unit_random` draws from [0, 1). `pause_max`: of what Next() draws, itself at least kFirst.
  explicit Backoff(std::function<double()> unit_random, absl::Duration pause_max = kMax)
      : unit_random_(std::move(unit_random)), pause_max_(std::max(kFirst, pause_max)) {}

  // How long to wait before the next try, at least `minimum` (what the server told: ErrorDetails::retry_after). A minimum is no reason for
  // all to come at once: up to a tenth of it is added.
  absl::Duration Next(absl::Duration minimum = absl::ZeroDuration()) {
    const absl::Duration jittered = ceiling_ * unit_random_();
    ceiling_ = std::min(ceiling_ * 2, pause_max_);
    if (minimum <= absl::ZeroDuration()) return jittered;
    return std::max(jittered, minimum + minimum * 0.1 * unit_random_());
  }

  // After `status`: heeds its retry_after, and takes the slowest pace for what the server will say the next time too.
  absl::Duration NextAfter(const absl::Status& status) {
    if (IsLasting(status.code())) return Slowest();
    const std::optional<ErrorDetails> details = DetailsOf(status);
    return Next(details.has_value() ? details->retry_after : absl::ZeroDuration());
  }
  static bool IsLasting(absl::StatusCode code) {
    return code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kPermissionDenied ||
           code == absl::StatusCode::kUnauthenticated || code == absl::StatusCode::kUnimplemented;
  }

  // The slowest pace, for what trying again soon does not mend: between half of kMax and kMax.
  absl::Duration Slowest() { return kMax * (0.5 + unit_random_() / 2); }

  // After a stream that stayed for `lived`.
  void NoteLived(absl::Duration lived) {
    if (lived >= kGoodAfter) Reset();
  }
  void Reset() { ceiling_ = kFirst; }

 private:
  const std::function<double()> unit_random_;
  const absl::Duration pause_max_;
  absl::Duration ceiling_ = kFirst;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_EVENTS_BACKOFF_H_

#ifndef SCOUTLIGHT_CLIENT_HTTP_IN_FLIGHT_CALLS_H_
#define SCOUTLIGHT_CLIENT_HTTP_IN_FLIGHT_CALLS_H_

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"

namespace scoutlight::client {

// Bounds the calls at a time, and knows when there is none. Thread-safe.
class InFlightCalls {
 public:
  explicit InFlightCalls(int calls_max) : calls_max_(calls_max) {}

  // kResourceExhausted: there are too many. kCancelled: closed. Each that began Ends.
  absl::Status Begin() {
    MutexLock lock(&mu_);
    if (closed_) return absl::CancelledError("the client is gone");
    if (calls_ < calls_max_) {
      ++calls_;
      return absl::OkStatus();
    }
    ErrorDetails details;
    details.reason = Reason::kOverloaded;
    return MakeError(absl::StatusCode::kResourceExhausted,
                     absl::StrCat("calls_in_flight_max: ", calls_, " calls are in flight, at most ", calls_max_, " may be"), details);
  }
  void End() {
    MutexLock lock(&mu_);
    if (--calls_ == 0) none_.NotifyAll();
  }

  // No call begins after this. False: it was so already.
  bool Close() {
    MutexLock lock(&mu_);
    return !std::exchange(closed_, true);
  }
  bool is_closed() const {
    MutexLock lock(&mu_);
    return closed_;
  }
  // Waits until there is none, at most for `timeout`.
  void AwaitNone(absl::Duration timeout) {
    const absl::Duration deadline = Clock::System().SinceBoot() + timeout;
    MutexLock lock(&mu_);
    while (calls_ > 0) {
      const absl::Duration left = deadline - Clock::System().SinceBoot();
      if (left <= absl::ZeroDuration()) return;
      none_.WaitFor(&mu_, left);
    }
  }

 private:
  const int calls_max_;
  mutable Mutex mu_;
  CondVar none_;
  int calls_ ABSL_GUARDED_BY(mu_) = 0;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_IN_FLIGHT_CALLS_H_

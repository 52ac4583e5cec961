#ifndef SCOUTLIGHT_CLIENT_WIRE_LIVE_CALLS_H_
#define SCOUTLIGHT_CLIENT_WIRE_LIVE_CALLS_H_

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace scoutlight::client {

// Counts the streams that gRPC has not ended yet. Thread-safe.
class LiveCalls {
 public:
  void Begin() {
    MutexLock lock(&mu_);
    ++count_;
  }
  void End() {
    MutexLock lock(&mu_);
    if (--count_ == 0) none_.NotifyAll();
  }

  // Waits until none is left, at most for `timeout`.
  void AwaitNone(absl::Duration timeout) {
    const absl::Time deadline = absl::Now() + timeout;
    MutexLock lock(&mu_);
    while (count_ > 0 && absl::Now() < deadline) none_.WaitFor(&mu_, deadline - absl::Now());
  }

 private:
  Mutex mu_;
  CondVar none_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_LIVE_CALLS_H_

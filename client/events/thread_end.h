#ifndef SCOUTLIGHT_CLIENT_EVENTS_THREAD_END_H_
#define SCOUTLIGHT_CLIENT_EVENTS_THREAD_END_H_

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace scoutlight::client {

// That a thread has ended, to be awaited with a bound. Thread-safe.
class ThreadEnd {
 public:
  // Of the thread, at its end.
  void Tell() {
    MutexLock lock(&mu_);
    told_ = true;
    changed_.NotifyAll();
  }

  // Blocks. False: not within `timeout`.
  bool Await(absl::Duration timeout) {
    const absl::Duration deadline = Clock::System().SinceBoot() + timeout;
    MutexLock lock(&mu_);
    while (!told_) {
      const absl::Duration left = deadline - Clock::System().SinceBoot();
      if (left <= absl::ZeroDuration()) break;
      changed_.WaitFor(&mu_, left);
    }
    return told_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  bool told_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_EVENTS_THREAD_END_H_

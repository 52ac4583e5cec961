#ifndef SCOUTLIGHT_CLIENT_GATES_BARRIER_H_
#define SCOUTLIGHT_CLIENT_GATES_BARRIER_H_

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace scoutlight::client {

// Holds up who comes until the test opens it, for a minute at most. Thread-safe.
class Barrier {
 public:
  // False: it was not opened in time.
  bool Wait() {
    const absl::Duration end = Clock::System().SinceBoot() + absl::Minutes(1);
    MutexLock lock(&mu_);
    ++came_;
    for (absl::Duration left = absl::Minutes(1); !open_ && left > absl::ZeroDuration(); left = end - Clock::System().SinceBoot()) {
      changed_.WaitFor(&mu_, left);
    }
    return open_;
  }
  void Open() {
    MutexLock lock(&mu_);
    open_ = true;
    changed_.NotifyAll();
  }
  // How many have come, those that have gone on too.
  int came() const {
    MutexLock lock(&mu_);
    return came_;
  }

 private:
  mutable Mutex mu_;
  CondVar changed_;
  bool open_ ABSL_GUARDED_BY(mu_) = false;
  int came_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_BARRIER_H_

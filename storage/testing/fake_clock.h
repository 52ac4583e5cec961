#ifndef SCOUTLIGHT_STORAGE_TESTING_FAKE_CLOCK_H_
#define SCOUTLIGHT_STORAGE_TESTING_FAKE_CLOCK_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace scoutlight::storage {

// A clock that stands still until a test moves it. Thread-safe.
class FakeClock : public Clock {
 public:
  absl::Time Now() override {
    MutexLock lock(&mu_);
    return now_;
  }

  absl::Duration SinceBoot() override {
    MutexLock lock(&mu_);
    ++readings_;
    read_.NotifyAll();
    return since_boot_;
  }

  void Advance(absl::Duration by) {
    MutexLock lock(&mu_);
    now_ += by;
    since_boot_ += by;
  }

  // Moves time and waits until others have looked at it twice since, so that whoever acts on time has acted on every step: a leap over
  // several steps at once looks like a stopped process. False: nobody looked within half a minute.
  bool AdvanceAndWaitUntilSeen(absl::Duration by) {
    Advance(by);
    const absl::Duration start = Clock::System().SinceBoot();
    MutexLock lock(&mu_);
    const uint64_t seen = readings_ + 2;
    while (readings_ < seen) {
      if (Clock::System().SinceBoot() - start > absl::Seconds(30)) return false;
      read_.WaitFor(&mu_, absl::Seconds(1));
    }
    return true;
  }

 private:
  Mutex mu_;
  CondVar read_;
  absl::Time now_ ABSL_GUARDED_BY(mu_) = absl::FromUnixSeconds(1'700'000'000);
  absl::Duration since_boot_ ABSL_GUARDED_BY(mu_) = absl::Hours(1);
  uint64_t readings_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_FAKE_CLOCK_H_

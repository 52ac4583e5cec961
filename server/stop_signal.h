#ifndef SCOUTLIGHT_SERVER_STOP_SIGNAL_H_
#define SCOUTLIGHT_SERVER_STOP_SIGNAL_H_

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace scoutlight::server {

// Turns SIGTERM and SIGINT into a wish to stop. The first one is the wish; a second one, or `stop_time_max` after the first, ends the
// process at once with exit code 1. Make one, before any thread starts, and let it live as long as the process.
class StopSignal {
 public:
  explicit StopSignal(absl::Duration stop_time_max);

  // Blocks until the first signal; returns at once if it has come.
  void Wait();

 private:
  [[noreturn]] void Watch(absl::Duration stop_time_max);

  Mutex mu_;
  CondVar arrived_cv_;
  bool arrived_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_STOP_SIGNAL_H_

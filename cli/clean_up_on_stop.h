#ifndef SCOUTLIGHT_CLI_CLEAN_UP_ON_STOP_H_
#define SCOUTLIGHT_CLI_CLEAN_UP_ON_STOP_H_

#include <functional>
#include <thread>

#include "cli/until_stopped.h"

namespace scoutlight::cli {

// For work that waits for others: until the end of this SIGINT and SIGTERM end the process at once, as they do without it, but first call
// `clean_up`, in a thread of its own. All other threads have the signals blocked. Made and destroyed in one thread.
class CleanUpOnStop {
 public:
  explicit CleanUpOnStop(std::function<void()> clean_up);
  // `clean_up` is not called any more.
  ~CleanUpOnStop();
  CleanUpOnStop(const CleanUpOnStop&) = delete;
  CleanUpOnStop& operator=(const CleanUpOnStop&) = delete;

 private:
  void Wait();

  const StopSignalsBlocked blocked_;
  const std::function<void()> clean_up_;
  const int signals_fd_;
  const int ended_fd_;
  std::thread thread_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_CLEAN_UP_ON_STOP_H_

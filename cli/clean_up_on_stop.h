#ifndef SCOUTLIGHT_CLI_CLEAN_UP_ON_STOP_H_
#define SCOUTLIGHT_CLI_CLEAN_UP_ON_STOP_H_

#include <functional>
#include <thread>

#include "cli/until_stopped.h"

namespace scoutlight::cli {

// For work that waits for others: until the end of this a signal to stop ends the process at once, as it does without it, but first
// `clean_up` is called, in a thread of its own. Made and destroyed in one thread.
class CleanUpOnStop {
 public:
  // `until` has been made before there was anything to clean up, goes on though nobody reads, and outlives this; nobody else waits for it.
  CleanUpOnStop(UntilStopped* until, std::function<void()> clean_up);
  // `clean_up` is not called any more.
  ~CleanUpOnStop();
  CleanUpOnStop(const CleanUpOnStop&) = delete;
  CleanUpOnStop& operator=(const CleanUpOnStop&) = delete;

 private:
  void Wait();

  UntilStopped& until_;
  const std::function<void()> clean_up_;
  std::thread thread_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_CLEAN_UP_ON_STOP_H_

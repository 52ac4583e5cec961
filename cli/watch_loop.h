#ifndef SCOUTLIGHT_CLI_WATCH_LOOP_H_
#define SCOUTLIGHT_CLI_WATCH_LOOP_H_

#include <atomic>
#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/printer.h"
#include "cli/until_stopped.h"

namespace scoutlight::cli {

// Lets a stream go on until `until` says that it is over. If `begun`, which its events set, does not become true within `timeout`, it has
// failed: with `trouble()`, or kDeadlineExceeded. After that, what `trouble` tells is only noted when it begins and ends. Blocks.
absl::Status RunWatch(UntilStopped* until, const std::atomic<bool>& begun, absl::Duration timeout,
                      const std::function<absl::Status()>& trouble, Printer* printer);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_WATCH_LOOP_H_

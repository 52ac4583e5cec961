#include "cli/watch_loop.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"

namespace scoutlight::cli {
namespace {

// How often it is looked whether the stream stands still.
constexpr absl::Duration kLookInterval = absl::Milliseconds(200);

}  // namespace

absl::Status RunWatch(UntilStopped* until, const std::atomic<bool>& begun, absl::Duration timeout,
                      const std::function<absl::Status()>& trouble, Printer* printer) {
  absl::Duration waited;
  bool in_trouble = false;
  for (;;) {
    const absl::Duration interval = begun.load(std::memory_order_relaxed) ? kLookInterval : std::min(kLookInterval, timeout - waited);
    if (std::optional<absl::Status> over = until->Wait(interval); over.has_value()) return *over;
    waited += interval;
    const absl::Status standing = trouble();
    if (!begun.load(std::memory_order_relaxed)) {
      if (waited < timeout) continue;
      return standing.ok() ? absl::DeadlineExceededError(absl::StrCat("no answer within ", absl::FormatDuration(timeout))) : standing;
    }
    if (standing.ok() == !in_trouble) continue;
    in_trouble = !in_trouble;
    printer->Note(in_trouble ? absl::StrCat("waiting for the server: ", standing.message()) : "the server is back");
  }
}

}  // namespace scoutlight::cli

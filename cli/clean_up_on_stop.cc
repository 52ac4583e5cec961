#include "cli/clean_up_on_stop.h"

#include <signal.h>

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace scoutlight::cli {
namespace {

void EndBy(int signal) {
  sigset_t let_through;
  sigemptyset(&let_through);
  sigaddset(&let_through, signal);
  pthread_sigmask(SIG_UNBLOCK, &let_through, nullptr);
  raise(signal);
}

}  // namespace

CleanUpOnStop::CleanUpOnStop(UntilStopped* until, std::function<void()> clean_up)
    : until_(*until), clean_up_(std::move(clean_up)), thread_([this] { Wait(); }) {}

CleanUpOnStop::~CleanUpOnStop() {
  until_.End(absl::OkStatus());
  thread_.join();
}

void CleanUpOnStop::Wait() {
  std::optional<absl::Status> over;
  while (!over.has_value()) over = until_.Wait(absl::InfiniteDuration());
  if (until_.signal() == 0) return;
  clean_up_();
  EndBy(until_.signal());
}

}  // namespace scoutlight::cli

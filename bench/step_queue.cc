#include "bench/step_queue.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "bench/steady_now.h"

namespace scoutlight::bench {

StepQueue::~StepQueue() {
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

bool StepQueue::RunNext(absl::Duration timeout) {
  void* tag = nullptr;
  bool ok = false;
  // gRPC rounds deadlines up to the next millisecond: only one in the past does not wait at all.
  const auto deadline = timeout <= absl::ZeroDuration() ? std::chrono::system_clock::time_point()
                                                        : std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout);
  if (queue_.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) return false;
  (*static_cast<Step*>(tag))(ok);
  return true;
}

absl::Status StepQueue::RunUntil(const std::function<bool()>& done, absl::Duration timeout) {
  const absl::Duration deadline = SteadyNow() + timeout;
  while (!done()) {
    const absl::Duration left = deadline - SteadyNow();
    if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError(absl::StrCat("not done after ", absl::FormatDuration(timeout)));
    RunNext(left);
  }
  return absl::OkStatus();
}

}  // namespace scoutlight::bench

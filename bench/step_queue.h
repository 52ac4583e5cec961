#ifndef SCOUTLIGHT_BENCH_STEP_QUEUE_H_
#define SCOUTLIGHT_BENCH_STEP_QUEUE_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/completion_queue.h"

namespace scoutlight::bench {

// What goes on when an operation of gRPC has ended; `ok` is gRPC's. A pointer to it is the operation's tag.
using Step = std::function<void(bool ok)>;

// A completion queue whose steps run in the thread that asks for them. Not thread-safe. All operations started on it must have ended before
// it is destroyed.
class StepQueue {
 public:
  StepQueue() = default;
  ~StepQueue();
  StepQueue(const StepQueue&) = delete;
  StepQueue& operator=(const StepQueue&) = delete;

  // To start operations on, with tags that are Step*.
  grpc::CompletionQueue* queue() { return &queue_; }

  // Runs the step of an operation that has ended, after waiting for one as long as `timeout`; zero: not at all. False: none ended.
  bool RunNext(absl::Duration timeout);

  // Runs steps until `done`. kDeadlineExceeded: not within `timeout`.
  absl::Status RunUntil(const std::function<bool()>& done, absl::Duration timeout);

 private:
  grpc::CompletionQueue queue_;
};

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_STEP_QUEUE_H_

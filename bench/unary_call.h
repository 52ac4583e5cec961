#ifndef SCOUTLIGHT_BENCH_UNARY_CALL_H_
#define SCOUTLIGHT_BENCH_UNARY_CALL_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bench/step_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"

namespace scoutlight::bench {

// Makes one call at a time, of one method. Not thread-safe: used by the thread that runs the queue.
class UnaryCall {
 public:
  // `queue` outlives this. No call is under way when this is destroyed.
  // A call that is not over after `timeout` fails.
  UnaryCall(StepQueue* queue, const std::shared_ptr<grpc::Channel>& channel, std::string method,
            absl::Duration timeout = absl::Seconds(10));
  UnaryCall(const UnaryCall&) = delete;
  UnaryCall& operator=(const UnaryCall&) = delete;

  // Not while one is under way. `then` runs when it has ended.
  void Start(const grpc::ByteBuffer& request, std::function<void()> then = {});
  bool under_way() const { return under_way_; }
  // Of the last call, when it has ended well.
  const grpc::ByteBuffer& response() const { return response_; }
  // The first failure of all calls so far.
  const absl::Status& failure() const { return failure_; }

 private:
  void OnEnd();

  StepQueue& queue_;
  grpc::GenericStub stub_;
  const std::string method_;
  const absl::Duration timeout_;
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> call_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
  bool under_way_ = false;
  std::function<void()> then_;
  absl::Status failure_;
  Step on_end_ = [this](bool) { OnEnd(); };
};

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_UNARY_CALL_H_

#include "bench/calls_in_flight.h"

#include <algorithm>

#include "absl/time/time.h"

namespace scoutlight::bench {
namespace {

// Every call has a deadline of its own, sooner than this.
constexpr absl::Duration kIdleTimeout = absl::Seconds(60);

}  // namespace

Calls NewCalls(StepQueue* queue, const Channels& channels, const std::string& method, int count) {
  Calls calls;
  for (int i = 0; i < count; ++i) {
    calls.push_back(std::make_unique<UnaryCall>(queue, channels[static_cast<size_t>(i) % channels.size()], method));
  }
  return calls;
}

absl::Status AwaitIdle(StepQueue* queue, const Calls& calls) {
  absl::Status status = queue->RunUntil(
      [&calls] { return std::none_of(calls.begin(), calls.end(), [](const auto& call) { return call->under_way(); }); }, kIdleTimeout);
  for (const auto& call : calls) status.Update(call->failure());
  return status;
}

absl::Status CallForEach(StepQueue* queue, const Calls& calls, int64_t first, int64_t last,
                         const std::function<grpc::ByteBuffer(int64_t)>& request_of) {
  const std::function<void(UnaryCall*)> go_on = [&](UnaryCall* call) {
    if (first == last || !call->failure().ok()) return;
    call->Start(request_of(first++), [&go_on, call] { go_on(call); });
  };
  for (const auto& call : calls) go_on(call.get());
  return AwaitIdle(queue, calls);
}

}  // namespace scoutlight::bench

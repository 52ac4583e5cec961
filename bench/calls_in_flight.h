#ifndef SCOUTLIGHT_BENCH_CALLS_IN_FLIGHT_H_
#define SCOUTLIGHT_BENCH_CALLS_IN_FLIGHT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/step_queue.h"
#include "bench/unary_call.h"
#include "grpcpp/channel.h"

// Several calls of one method at a time, for work that is to be done, not measured.
namespace scoutlight::bench {

using Channels = std::vector<std::shared_ptr<grpc::Channel>>;
using Calls = std::vector<std::unique_ptr<UnaryCall>>;

// So many, shared out over the channels. `queue` outlives them.
Calls NewCalls(StepQueue* queue, const Channels& channels, const std::string& method, int count);

// Runs the queue until none is under way; the first failure of any. kDeadlineExceeded: one still is after a minute.
absl::Status AwaitIdle(StepQueue* queue, const Calls& calls);

// Makes a call with `request_of` each number from `first` to before `last`, as many at a time as there are calls, and awaits them. Ends
// early after a failure, which it returns.
absl::Status CallForEach(StepQueue* queue, const Calls& calls, int64_t first, int64_t last,
                         const std::function<grpc::ByteBuffer(int64_t)>& request_of);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_CALLS_IN_FLIGHT_H_

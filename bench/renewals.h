#ifndef SCOUTLIGHT_BENCH_RENEWALS_H_
#define SCOUTLIGHT_BENCH_RENEWALS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bench/lease_wire.h"
#include "bench/step_queue.h"
#include "bench/unary_call.h"
#include "grpcpp/channel.h"

namespace scoutlight::bench {

class RenewStream;

// Renews leases of one server, whose ids are numbers without a gap. Moves on only while the thread that owns it runs the queue. Not
// thread-safe.
class Renewals {
 public:
  // `queue` outlives this. Calls, or streams, are shared out over the channels, some on each.
  Renewals(StepQueue* queue, Api api, RenewForm form, const std::vector<std::shared_ptr<grpc::Channel>>& channels);
  // Cancels what is under way. If something does not end within 10 s, the process exits with a failure.
  ~Renewals();
  Renewals(const Renewals&) = delete;
  Renewals& operator=(const Renewals&) = delete;

  // Sends for the leases `first` to `first` + `count` - 1, with at most `leases_per_message` in a message; what cannot go out now waits.
  void Send(int64_t first, int count, int leases_per_message);

  int64_t sent() const { return sent_; }
  int64_t renewed() const { return renewed_; }

  // Runs the queue until `done`. kDeadlineExceeded: not within `timeout`; else the first failure of a call, a stream or a renewal.
  absl::Status RunUntil(const std::function<bool()>& done, absl::Duration timeout);
  // Runs it until all are renewed that were sent.
  absl::Status RunUntilRenewed(absl::Duration timeout);

 private:
  friend class RenewStream;

  void StartUnary(UnaryCall* call);
  void Take(const grpc::ByteBuffer& answer);

  StepQueue& queue_;
  const Api api_;
  const RenewForm form_;
  std::vector<std::unique_ptr<UnaryCall>> calls_;
  std::vector<grpc::ByteBuffer> waiting_;  // For a call.
  std::vector<std::unique_ptr<RenewStream>> streams_;
  size_t next_stream_ = 0;
  int64_t streams_open_ = 0;
  int64_t sent_ = 0;
  int64_t renewed_ = 0;
  absl::Status failure_;  // The first.
};

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_RENEWALS_H_

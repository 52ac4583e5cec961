#ifndef SCOUTLIGHT_BENCH_WATCH_STREAMS_H_
#define SCOUTLIGHT_BENCH_WATCH_STREAMS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bench/step_queue.h"
#include "bench/watch_wire.h"
#include "grpcpp/channel.h"

namespace scoutlight::bench {

class WatchStream;

// Watches on one server. They move on only while the thread that owns them runs the queue. Not thread-safe.
class WatchStreams {
 public:
  // Called for each put shown by a watch, with the time in its stamp.
  using OnPut = std::function<void(absl::Duration sent)>;

  // `queue` outlives this.
  WatchStreams(StepQueue* queue, Api api, WatchForm form, OnPut on_put);
  // Cancels all. If one does not end within 10 s, the process exits with a failure.
  ~WatchStreams();
  WatchStreams(const WatchStreams&) = delete;
  WatchStreams& operator=(const WatchStreams&) = delete;

  // Begins one stream with these watches: exactly one but with WatchForm::kMultiplexed.
  void Open(const std::shared_ptr<grpc::Channel>& channel, std::vector<WatchTarget> targets);

  int64_t watches_started() const { return watches_started_; }
  int64_t puts_shown() const { return puts_shown_; }

  // Runs the queue until `done`. kDeadlineExceeded: not within `timeout`; else the first failure of a watch or its stream, which no
  // watch of this object recovers from.
  absl::Status RunUntil(const std::function<bool()>& done, absl::Duration timeout);

 private:
  friend class WatchStream;

  StepQueue& queue_;
  const Api api_;
  const WatchForm form_;
  const OnPut on_put_;
  std::vector<std::unique_ptr<WatchStream>> streams_;
  int64_t streams_open_ = 0;
  int64_t watches_started_ = 0;
  int64_t puts_shown_ = 0;
  absl::Status failure_;  // The first.
};

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_WATCH_STREAMS_H_

#ifndef SCOUTLIGHT_CLIENT_HTTP_STARTED_CALLS_H_
#define SCOUTLIGHT_CLIENT_HTTP_STARTED_CALLS_H_

#include <atomic>
#include <memory>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "client/events/thread_end.h"
#include "client/http/lane.h"
#include "client/http/running_call.h"

namespace scoutlight::client {

// The lane of calls that are started, and the thread that drives it. Thread-safe.
class StartedCalls {
 public:
  // The lane's thread, and what it has; outlives this if a hook, source or sink hangs.
  class Loop {
   public:
    explicit Loop(std::unique_ptr<Lane> lane) : lane_(std::move(lane)) {}

    Lane& lane() { return *lane_; }
    // In tasks of the lane alone.
    void Add(const std::shared_ptr<RunningCall>& call) { calls_.insert(call); }
    void Remove(const std::shared_ptr<RunningCall>& call) { calls_.erase(call); }
    void Stop();

    void Run();
    bool AwaitEnd(absl::Duration timeout) { return end_.Await(timeout); }

   private:
    const std::unique_ptr<Lane> lane_;
    // The lane's.
    absl::flat_hash_set<std::shared_ptr<RunningCall>> calls_;
    bool stopped_ = false;

    ThreadEnd end_;
  };

  explicit StartedCalls(std::unique_ptr<Lane> lane);
  // Cancels all, and waits for the thread at most kStopTimeMax.
  ~StartedCalls();

  static constexpr absl::Duration kStopTimeMax = absl::Seconds(1);

  const std::shared_ptr<Loop>& loop() const { return loop_; }

 private:
  const std::shared_ptr<Loop> loop_;
  std::thread thread_;
};

// What an HttpCall has. Thread-safe.
class StartedCall {
 public:
  StartedCall(std::shared_ptr<StartedCalls::Loop> loop, std::weak_ptr<RunningCall> call) : loop_(std::move(loop)), call_(std::move(call)) {}

  // Each waits at most once on the lane.
  void Cancel();
  void Resume();

 private:
  const std::shared_ptr<StartedCalls::Loop> loop_;
  const std::weak_ptr<RunningCall> call_;
  std::atomic<bool> cancelled_{false};  // Orders nothing: the lane's lock does. The same of the next.
  const std::shared_ptr<std::atomic<bool>> resuming_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_STARTED_CALLS_H_

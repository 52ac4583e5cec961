#ifndef SCOUTLIGHT_CLIENT_EVENTS_THREAD_LOOP_H_
#define SCOUTLIGHT_CLIENT_EVENTS_THREAD_LOOP_H_

#include <memory>
#include <thread>

#include "absl/time/time.h"
#include "client/events/event_loop.h"

namespace scoutlight::client {

// An EventLoop with a thread of its own, on the boot-time clock: after the machine has slept, timers that fell due are at most kLateMax
// late.
class ThreadLoop final : public EventLoop {
 public:
  static constexpr absl::Duration kLateMax = absl::Seconds(1);

  ThreadLoop();
  // As Stop(kStopTimeMax).
  ~ThreadLoop() override;

  static constexpr absl::Duration kStopTimeMax = absl::Milliseconds(500);

  void Post(Task task) override;
  TimerId PostAfter(absl::Duration delay, Task task) override;
  void Cancel(TimerId timer) override;
  absl::Duration Now() const override;
  bool IsRunningTask() const override;

  // Destroys the tasks that have not begun and takes no more. Waits for the one that runs, at most for `timeout` (it goes on by itself
  // after that), and not at all if this is called by it. From one thread; idempotent.
  void Stop(absl::Duration timeout);

 private:
  class State;

  // Shared with the thread, which may outlive this.
  const std::shared_ptr<State> state_;
  std::thread thread_;
  const std::thread::id thread_id_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_EVENTS_THREAD_LOOP_H_

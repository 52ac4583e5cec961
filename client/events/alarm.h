#ifndef SCOUTLIGHT_CLIENT_EVENTS_ALARM_H_
#define SCOUTLIGHT_CLIENT_EVENTS_ALARM_H_

#include <utility>

#include "absl/time/time.h"
#include "client/events/event_loop.h"

namespace scoutlight::client {

// One timer of a loop, set anew as often as needed; it does not go off any more once this is gone. Used, and destroyed, on the loop alone;
// destroyed elsewhere only after the loop has stopped.
class Alarm {
 public:
  // `loop` outlives it.
  explicit Alarm(EventLoop* loop) : loop_(*loop) {}
  ~Alarm() { Clear(); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // In place of what was set before.
  void Set(absl::Duration delay, EventLoop::Task task) {
    Clear();
    due_at_ = loop_.Now() + delay;
    timer_ = loop_.PostAfter(delay, [this, task = std::move(task)]() mutable {
      timer_ = 0;
      // What it does may set this alarm, or destroy it.
      EventLoop::Task once = std::move(task);
      std::move(once)();
    });
  }
  void Clear() { loop_.Cancel(std::exchange(timer_, 0)); }
  bool is_set() const { return timer_ != 0; }
  // When the one that was set last is due, or was.
  absl::Duration due_at() const { return due_at_; }

 private:
  EventLoop& loop_;
  EventLoop::TimerId timer_ = 0;
  absl::Duration due_at_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_EVENTS_ALARM_H_

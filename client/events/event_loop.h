#ifndef SCOUTLIGHT_CLIENT_EVENTS_EVENT_LOOP_H_
#define SCOUTLIGHT_CLIENT_EVENTS_EVENT_LOOP_H_

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace scoutlight::client {

// Runs tasks one after the other: what sessions, subscriptions and watches do happens on one, so that they need no locks. A test moves
// time by hand with a ManualLoop (client/events/manual_loop.h). Thread-safe.
class EventLoop {
 public:
  using Task = absl::AnyInvocable<void() &&>;
  using TimerId = uint64_t;  // 0 is none.

  virtual ~EventLoop() = default;

  // Runs `task` after those that were posted before; never inside the call. A task does not block. Once the loop has stopped, it is
  // destroyed without having run.
  virtual void Post(Task task) = 0;

  // The same, not before `delay` is over (at once if it is not positive). Timers of one moment run in the order in which they were set.
  virtual TimerId PostAfter(absl::Duration delay, Task task) = 0;

  // `timer` does not run any more, if it has not begun; called on the loop, it certainly does not. 0 and those that have run: nothing.
  virtual void Cancel(TimerId timer) = 0;

  // Steady time since some point, which goes on while the machine sleeps.
  virtual absl::Duration Now() const = 0;

  // Whether this is called by a task of the loop.
  virtual bool IsRunningTask() const = 0;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_EVENTS_EVENT_LOOP_H_

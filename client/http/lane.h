#ifndef SCOUTLIGHT_CLIENT_HTTP_LANE_H_
#define SCOUTLIGHT_CLIENT_HTTP_LANE_H_

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "client/http_transport.h"

namespace scoutlight::client {

// A transport and what is to happen beside it, driven by one thread at a time: the loop's own, or for the time of one call that of whoever
// makes it, which so waits for no other thread. Post() is thread-safe; the rest is the driving thread's.
class Lane {
 public:
  using Task = absl::AnyInvocable<void() &&>;
  // Names a timer; a default one is none.
  struct TimerId {
    absl::Duration due;
    uint64_t number = 0;

    friend std::strong_ordering operator<=>(const TimerId&, const TimerId&) = default;
  };

  // `clock` outlives it.
  Lane(std::unique_ptr<HttpTransport> transport, Clock* clock) : transport_(std::move(transport)), clock_(*clock) {}
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Runs `task` when the lane is driven next, which it is at once if it is being driven; never inside the call. Bounded by who posts.
  void Post(Task task);
  // Runs `task` not before `delay` is over; an infinite one never comes.
  TimerId SetTimer(absl::Duration delay, Task task);
  // It does not run any more. None, and those that have run: nothing.
  void ClearTimer(TimerId timer);

  // Runs what was posted and what is due, tells the transport's events, and waits for the next thing to happen, over and over, until
  // `is_over`, which is asked whenever any of that may have changed it.
  void DriveUntil(absl::FunctionRef<bool()> is_over);

  // Steady time.
  absl::Duration Now() const { return clock_.SinceBoot(); }
  HttpTransport& transport() { return *transport_; }

 private:
  // A lane that waits for a timer looks at the clock at the latest after so long: steady time goes on while the machine sleeps, waiting
  // does not. Without timers there is nothing to be late for.
  static constexpr absl::Duration kPollMax = absl::Seconds(1);
  static constexpr absl::Duration kIdlePollMax = absl::Minutes(1);

  void RunPosted();
  // For how long there is nothing more to run.
  absl::Duration RunDue();

  const std::unique_ptr<HttpTransport> transport_;
  Clock& clock_;
  Mutex mu_;
  std::vector<Task> posted_ ABSL_GUARDED_BY(mu_);
  // The driving thread's.
  uint64_t last_ = 0;
  std::map<TimerId, Task> timers_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_LANE_H_

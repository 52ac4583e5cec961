#ifndef SCOUTLIGHT_CLIENT_GATES_ROOM_H_
#define SCOUTLIGHT_CLIENT_GATES_ROOM_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "client/gates/sender.h"

namespace scoutlight::client {

// How much of a queue's bounds is taken, and who waits for room. Its owner calls it with its own mutex held, which is `mu` everywhere.
class Room {
 public:
  explicit Room(const QueueBounds& bounds) : bounds_(bounds) {}

  // Waits up to `timeout` until a message of `bytes` fits, and takes that. One that is larger than all room fits into an empty queue.
  // Errors as Sender::Push.
  absl::Status Take(size_t bytes, absl::Duration timeout, Mutex* mu) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    if (!stopped_ && !Fits(bytes)) {
      ++blocked_;
      if (timeout <= absl::ZeroDuration()) {
        return MakeError(absl::StatusCode::kResourceExhausted,
                         absl::StrCat("the queue is full: it has ", messages_, " messages of ", bytes_, " bytes, at most ",
                                      bounds_.messages_max, " of ", bounds_.bytes_max, " are allowed"),
                         {.reason = Reason::kOverloaded});
      }
      const absl::Duration end = Clock::System().SinceBoot() + timeout;
      for (absl::Duration left = timeout; !stopped_ && !Fits(bytes); left = end - Clock::System().SinceBoot()) {
        if (left <= absl::ZeroDuration())
          return absl::DeadlineExceededError(absl::StrCat("the queue was full for ", absl::FormatDuration(timeout)));
        changed_.WaitFor(mu, left);
      }
    }
    if (stopped_) return absl::FailedPreconditionError("the gate is closed");
    ++messages_;
    bytes_ += bytes;
    return absl::OkStatus();
  }
  // Gives it back.
  void Free(size_t bytes) {
    --messages_;
    bytes_ -= bytes;
    changed_.NotifyAll();
  }

  void Stop() {
    stopped_ = true;
    changed_.NotifyAll();
  }
  bool stopped() const { return stopped_; }

  // Waits until nothing is taken; answers how many messages are after `timeout`.
  int64_t AwaitEmpty(absl::Duration timeout, Mutex* mu) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    const absl::Duration end = Clock::System().SinceBoot() + timeout;
    while (messages_ != 0) {
      const absl::Duration left = end - Clock::System().SinceBoot();
      if (left <= absl::ZeroDuration()) break;
      changed_.WaitFor(mu, left);
    }
    return messages_;
  }

  void Count(GateCounters* counters) const {
    counters->waiting += messages_;
    counters->waiting_bytes += bytes_;
    counters->blocked += blocked_;
  }

 private:
  bool Fits(size_t bytes) const {
    return messages_ == 0 || (messages_ < static_cast<int64_t>(bounds_.messages_max) &&
                              bytes_ + static_cast<int64_t>(bytes) <= static_cast<int64_t>(bounds_.bytes_max));
  }

  const QueueBounds bounds_;
  CondVar changed_;
  int64_t messages_ = 0;
  int64_t bytes_ = 0;
  int64_t blocked_ = 0;
  bool stopped_ = false;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_ROOM_H_

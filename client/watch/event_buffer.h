#ifndef SCOUTLIGHT_CLIENT_WATCH_EVENT_BUFFER_H_
#define SCOUTLIGHT_CLIENT_WATCH_EVENT_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/watch_event.h"

namespace scoutlight::client {

// What `event` counts for in a buffer.
size_t EventBytes(const WatchEvent& event);

// The events of one watch between the loop, which puts them in, and the program, which takes them out. Bounded: whoever puts in heeds what
// Push() returns, so it exceeds its bound by one message at most. Progress that was not taken gives way to newer; a state that was not
// taken as a whole gives way to the one that begins anew. Thread-safe.
class EventBuffer {
 public:
  // Both are called under no lock: `on_room` by whoever takes events out, when there is room again after Push()
  // found none; `on_events` by whoever puts in, when there is something to take after there was nothing, and at the end.
  struct Hooks {
    std::function<void()> on_room = [] {};
    std::function<void()> on_events = [] {};
  };

  EventBuffer(size_t bytes_max, Hooks hooks) : bytes_max_(bytes_max), hooks_(std::move(hooks)) {}

  // Whether there is room for more after that.
  bool Push(std::vector<WatchEvent> events);
  bool has_room() const;
  // No event comes after. The first end counts.
  void End(absl::Status why);
  // Why the watch stands still for now; OK: it does not.
  void SetTrouble(absl::Status trouble);

  // The next event; nullopt: there is none for now.
  std::optional<WatchEvent> TryTake();
  // Waits for one, at most for `timeout`, and not beyond the end.
  std::optional<WatchEvent> Take(absl::Duration timeout);
  // nullopt: it goes on, or there is something left to take.
  std::optional<absl::Status> end() const;
  absl::Status trouble() const;
  // How many events were taken so far.
  int64_t taken() const;

 private:
  // Whether `on_room` is to be called.
  std::optional<WatchEvent> TakeLocked(bool* room) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddLocked(WatchEvent event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const size_t bytes_max_;
  const Hooks hooks_;
  mutable Mutex mu_;
  CondVar changed_;
  std::deque<WatchEvent> events_ ABSL_GUARDED_BY(mu_);
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t taken_ ABSL_GUARDED_BY(mu_) = 0;
  bool full_ ABSL_GUARDED_BY(mu_) = false;  // Push() found no room, and `on_room` has not been called since.
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mu_);
  absl::Status trouble_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WATCH_EVENT_BUFFER_H_

#ifndef SCOUTLIGHT_CLIENT_EVENTS_MANUAL_LOOP_H_
#define SCOUTLIGHT_CLIENT_EVENTS_MANUAL_LOOP_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "client/events/event_loop.h"

namespace scoutlight::client {

// An EventLoop for tests, whose time stands still until the test moves it. Not thread-safe: one thread posts and runs.
class ManualLoop final : public EventLoop {
 public:
  // More tasks than this in one run: they post each other for ever, and the test is aborted.
  static constexpr int kTasksMax = 10'000'000;

  // Tasks that have not run are destroyed; what their destruction posts too.
  ~ManualLoop() override {
    stopped_ = true;
    std::map<Place, Task>().swap(tasks_);
  }

  void Post(Task task) override { PostAfter(absl::ZeroDuration(), std::move(task)); }
  TimerId PostAfter(absl::Duration delay, Task task) override {
    if (stopped_) return 0;
    const TimerId id = ++last_;
    tasks_.emplace(Place{now_ + std::max(delay, absl::ZeroDuration()), id}, std::move(task));
    return id;
  }
  void Cancel(TimerId timer) override {
    for (auto task = tasks_.begin(); task != tasks_.end(); ++task) {
      if (task->first.second != timer) continue;
      const Task cancelled = std::move(task->second);
      tasks_.erase(task);
      return;
    }
  }
  absl::Duration Now() const override { return now_; }
  bool IsRunningTask() const override { return running_; }

  // Runs what is due now, and what that posts, until nothing is.
  void RunUntilIdle() { Advance(absl::ZeroDuration()); }

  // Moves time on by `duration`, from one timer to the next: each task sees the moment that it was set for.
  void Advance(absl::Duration duration) {
    const absl::Duration end = now_ + duration;
    for (int ran = 0; !tasks_.empty() && tasks_.begin()->first.first <= end; ++ran) {
      if (ran == kTasksMax) std::abort();
      RunFirst();
    }
    now_ = end;
  }

  // Moves time to the next timer and runs what is due then. False: there is none.
  bool AdvanceToNext() {
    const std::optional<absl::Duration> next = UntilNext();
    if (next.has_value()) Advance(*next);
    return next.has_value();
  }

  // How long until the next task is due; nullopt: none waits.
  std::optional<absl::Duration> UntilNext() const {
    if (tasks_.empty()) return std::nullopt;
    return tasks_.begin()->first.first - now_;
  }

 private:
  using Place = std::pair<absl::Duration, TimerId>;  // When it is due; those of one moment in the order in which they were posted.

  void RunFirst() {
    auto first = tasks_.begin();
    now_ = std::max(now_, first->first.first);
    Task task = std::move(first->second);
    tasks_.erase(first);
    running_ = true;
    std::move(task)();
    running_ = false;
  }

  absl::Duration now_ = absl::ZeroDuration();
  TimerId last_ = 0;
  bool running_ = false;
  bool stopped_ = false;
  std::map<Place, Task> tasks_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_EVENTS_MANUAL_LOOP_H_

#include "client/events/thread_loop.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "client/events/thread_end.h"

namespace scoutlight::client {

class ThreadLoop::State {
 public:
  TimerId Add(absl::Duration delay, Task task) {
    TimerId id = 0;
    bool first = false;
    {
      MutexLock lock(&mu_);
      // `task` is the caller's to destroy then, under no lock.
      if (stopped_) return 0;
      id = ++last_;
      const absl::Duration due = Clock::System().SinceBoot() + std::max(delay, absl::ZeroDuration());
      first = tasks_.empty() || due < tasks_.begin()->first.first;
      // A post that comes after another of the same moment has the higher id.
      tasks_.emplace(Place{due, id}, std::move(task));
      due_.emplace(id, due);
    }
    // Not under the lock, which is the first thing that who wakes takes.
    if (first) changed_.NotifyAll();
    return id;
  }

  // What was cancelled, to be destroyed under no lock: that may have effects of its own.
  std::optional<Task> Cancel(TimerId timer) {
    MutexLock lock(&mu_);
    const auto due = due_.find(timer);
    if (due == due_.end()) return std::nullopt;
    const auto task = tasks_.find(Place{due->second, timer});
    std::optional<Task> cancelled = std::move(task->second);
    tasks_.erase(task);
    due_.erase(due);
    return cancelled;
  }

  void Run() {
    for (;;) {
      std::optional<Task> task = Take();
      if (!task.has_value()) break;
      std::move (*task)();
    }
    end_.Tell();
  }

  // What had not begun, to be destroyed under no lock.
  std::map<std::pair<absl::Duration, TimerId>, Task> Stop() {
    MutexLock lock(&mu_);
    stopped_ = true;
    due_.clear();
    changed_.NotifyAll();
    return std::exchange(tasks_, {});
  }

  bool AwaitEnd(absl::Duration timeout) { return end_.Await(timeout); }

 private:
  using Place = std::pair<absl::Duration, TimerId>;

  // The next task, when it is due; nullopt: stopped.
  std::optional<Task> Take() {
    MutexLock lock(&mu_);
    for (;;) {
      if (stopped_) return std::nullopt;
      if (tasks_.empty()) {
        changed_.Wait(&mu_);
        continue;
      }
      const auto first = tasks_.begin();
      const absl::Duration left = first->first.first - Clock::System().SinceBoot();
      if (left > absl::ZeroDuration()) {
        // Steady time stands still while the machine sleeps.
        changed_.WaitFor(&mu_, std::min(left, kLateMax));
        continue;
      }
      std::optional<Task> task = std::move(first->second);
      due_.erase(first->first.second);
      tasks_.erase(first);
      return task;
    }
  }

  ThreadEnd end_;
  Mutex mu_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  TimerId last_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<Place, Task> tasks_ ABSL_GUARDED_BY(mu_);
  std::unordered_map<TimerId, absl::Duration> due_ ABSL_GUARDED_BY(mu_);  // Where each of `tasks_` is.
};

ThreadLoop::ThreadLoop() : state_(std::make_shared<State>()), thread_([state = state_] { state->Run(); }), thread_id_(thread_.get_id()) {}

ThreadLoop::~ThreadLoop() { Stop(kStopTimeMax); }

void ThreadLoop::Post(Task task) { PostAfter(absl::ZeroDuration(), std::move(task)); }
EventLoop::TimerId ThreadLoop::PostAfter(absl::Duration delay, Task task) {
  // The task may run, and destroy this, before the thread was told of it.
  const std::shared_ptr<State> state = state_;
  return state->Add(delay, std::move(task));
}
void ThreadLoop::Cancel(TimerId timer) { state_->Cancel(timer); }
absl::Duration ThreadLoop::Now() const { return Clock::System().SinceBoot(); }
bool ThreadLoop::IsRunningTask() const { return thread_id_ == std::this_thread::get_id(); }

void ThreadLoop::Stop(absl::Duration timeout) {
  if (!thread_.joinable()) return;
  state_->Stop().clear();
  if (!IsRunningTask() && state_->AwaitEnd(timeout)) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

}  // namespace scoutlight::client

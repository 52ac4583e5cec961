#include "client/http/lane.h"

#include <algorithm>

namespace scoutlight::client {

void Lane::Post(Task task) {
  {
    MutexLock lock(&mu_);
    posted_.push_back(std::move(task));
    if (posted_.size() > 1) return;
  }
  transport_->Wake();
}

Lane::TimerId Lane::SetTimer(absl::Duration delay, Task task) {
  if (delay == absl::InfiniteDuration()) return {};
  const TimerId id = {Now() + std::max(delay, absl::ZeroDuration()), ++last_};
  timers_.emplace(id, std::move(task));
  return id;
}

void Lane::ClearTimer(TimerId timer) { timers_.erase(timer); }

void Lane::RunOnce() {
  const bool ran_posted = RunPosted();
  const bool ran_due = RunDue();
  absl::Duration timeout = kIdlePollMax;
  if (ran_posted || ran_due) {
    timeout = absl::ZeroDuration();
  } else if (!timers_.empty()) {
    timeout = std::clamp(timers_.begin()->first.due - Now(), absl::ZeroDuration(), kPollMax);
  }
  transport_->Poll(timeout);
}

bool Lane::RunPosted() {
  std::vector<Task> posted;
  {
    MutexLock lock(&mu_);
    if (posted_.empty()) return false;
    posted.swap(posted_);
  }
  for (Task& task : posted) std::move(task)();
  return true;
}

bool Lane::RunDue() {
  if (timers_.empty()) return false;
  const absl::Duration now = Now();
  bool ran = false;
  // What a timer sets for now runs the next time.
  const uint64_t last = last_;
  while (!timers_.empty() && timers_.begin()->first.due <= now && timers_.begin()->first.number <= last) {
    Task task = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    std::move(task)();
    ran = true;
  }
  return ran;
}

}  // namespace scoutlight::client

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

void Lane::ClearTimer(TimerId timer) {
  if (timer.number != 0) timers_.erase(timer);
}

void Lane::DriveUntil(absl::FunctionRef<bool()> is_over) {
  while (!is_over()) {
    RunPosted();
    const absl::Duration left = RunDue();
    // What is posted from here on wakes the transport.
    if (!is_over()) transport_->Poll(left);
  }
}

void Lane::RunPosted() {
  std::vector<Task> posted;
  {
    MutexLock lock(&mu_);
    posted.swap(posted_);
  }
  for (Task& task : posted) std::move(task)();
}

absl::Duration Lane::RunDue() {
  if (timers_.empty()) return kIdlePollMax;
  absl::Duration now = Now();
  // What a timer sets for now runs the next time.
  const uint64_t last = last_;
  bool ran = false;
  while (!timers_.empty() && timers_.begin()->first.due <= now && timers_.begin()->first.number <= last) {
    Task task = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    std::move(task)();
    ran = true;
  }
  if (timers_.empty()) return kIdlePollMax;
  if (ran) now = Now();
  return std::clamp(timers_.begin()->first.due - now, absl::ZeroDuration(), kPollMax);
}

}  // namespace scoutlight::client

#include "storage/etcd/serial_thread.h"

#include <utility>

namespace scoutlight::storage {
namespace {

// How long the thread sleeps with nothing due.
constexpr absl::Duration kIdleWait = absl::Seconds(10);
// How many tasks a caller of RunOrPost runs before it leaves the rest to the thread, and how long it begins more.
constexpr int kLentTasksMax = 8;
constexpr absl::Duration kLentMax = absl::Microseconds(200);

}  // namespace

SerialThread::SerialThread(Clock* clock) : clock_(*clock), thread_([this] { Run(); }) {}

void SerialThread::Push(Task task) {
  tasks_.push_back(std::move(task));
  // Whom the turn is lent wakes the thread at its end.
  if (!lent_ && std::exchange(sleeps_, false)) wake_.NotifyOne();
}

void SerialThread::Post(Task task) {
  MutexLock lock(&mu_);
  if (!stopped_) Push(std::move(task));
}

void SerialThread::RunOrPost(Task task) {
  {
    MutexLock lock(&mu_);
    if (stopped_) return;
    // Awake, the thread runs a task or is about to look for one.
    if (lent_ || !sleeps_ || !tasks_.empty()) return Push(std::move(task));
    lent_ = true;
  }
  const absl::Duration until = clock_.SinceBoot() + kLentMax;
  for (int ran = 1;; ++ran) {
    std::move(task)();
    task = nullptr;
    const bool may_go_on = ran < kLentTasksMax && clock_.SinceBoot() < until;
    MutexLock lock(&mu_);
    if (!tasks_.empty() && may_go_on) {
      task = std::move(tasks_.front());
      tasks_.pop_front();
      continue;
    }
    lent_ = false;
    if ((!tasks_.empty() || stopping_) && std::exchange(sleeps_, false)) wake_.NotifyOne();
    return;
  }
}

void SerialThread::PostAfter(absl::Duration delay, Task task) {
  const absl::Duration due = clock_.SinceBoot() + delay;
  MutexLock lock(&mu_);
  if (stopping_) return;
  const bool is_first = later_.empty() || due < later_.begin()->first;
  later_.emplace(due, std::move(task));
  if (is_first && std::exchange(sleeps_, false)) wake_.NotifyOne();
}

void SerialThread::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
    if (std::exchange(sleeps_, false)) wake_.NotifyOne();
  }
  if (thread_.joinable()) thread_.join();
}

void SerialThread::Run() {
  for (;;) {
    Task task;
    {
      const absl::Duration now = clock_.SinceBoot();
      MutexLock lock(&mu_);
      while (!later_.empty() && later_.begin()->first <= now) {
        tasks_.push_back(std::move(later_.begin()->second));
        later_.erase(later_.begin());
      }
      if (tasks_.empty() || lent_) {
        if (stopping_ && !lent_) {
          stopped_ = true;
          later_.clear();
          return;
        }
        sleeps_ = true;
        wake_.WaitFor(&mu_, later_.empty() ? kIdleWait : later_.begin()->first - now);
        sleeps_ = false;
        continue;
      }
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    std::move(task)();
  }
}

}  // namespace scoutlight::storage

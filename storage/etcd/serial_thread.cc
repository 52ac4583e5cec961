#include "storage/etcd/serial_thread.h"

#include <utility>

namespace scoutlight::storage {
namespace {

// How long the thread sleeps with nothing due.
constexpr absl::Duration kIdleWait = absl::Seconds(10);

}  // namespace

SerialThread::SerialThread(Clock* clock) : clock_(*clock), thread_([this] { Run(); }) {}

void SerialThread::Post(Task task) {
  MutexLock lock(&mu_);
  if (stopped_) return;
  tasks_.push_back(std::move(task));
  wake_.NotifyOne();
}

void SerialThread::PostAfter(absl::Duration delay, Task task) {
  const absl::Duration due = clock_.SinceBoot() + delay;
  MutexLock lock(&mu_);
  if (stopping_) return;
  later_.emplace(due, std::move(task));
  wake_.NotifyOne();
}

void SerialThread::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
    wake_.NotifyOne();
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
      if (tasks_.empty()) {
        if (stopping_) {
          stopped_ = true;
          later_.clear();
          return;
        }
        wake_.WaitFor(&mu_, later_.empty() ? kIdleWait : later_.begin()->first - now);
        continue;
      }
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    std::move(task)();
  }
}

}  // namespace scoutlight::storage

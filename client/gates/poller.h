#ifndef SCOUTLIGHT_CLIENT_GATES_POLLER_H_
#define SCOUTLIGHT_CLIENT_GATES_POLLER_H_

#include <functional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace scoutlight::client {

// Calls `look` every `period` on a thread of its own, for the first time after one. The destructor waits for a call that runs.
class Poller {
 public:
  Poller(absl::Duration period, std::function<void()> look) : period_(period), look_(std::move(look)), thread_([this] { Run(); }) {}
  ~Poller() {
    {
      MutexLock lock(&mu_);
      stopped_ = true;
      changed_.NotifyAll();
    }
    thread_.join();
  }
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

 private:
  void Run() {
    for (;;) {
      {
        MutexLock lock(&mu_);
        if (!stopped_) changed_.WaitFor(&mu_, period_);
        if (stopped_) return;
      }
      look_();
    }
  }

  const absl::Duration period_;
  const std::function<void()> look_;
  Mutex mu_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_POLLER_H_

#ifndef SCOUTLIGHT_CLIENT_EVENTS_RUN_AND_WAIT_H_
#define SCOUTLIGHT_CLIENT_EVENTS_RUN_AND_WAIT_H_

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "client/events/event_loop.h"

namespace scoutlight::client {

// Runs `task` on `loop` and waits until it has run; at once when this is called by a task of the loop. If the loop has stopped, the task is
// destroyed instead.
inline void RunAndWait(EventLoop* loop, EventLoop::Task task) {
  if (loop->IsRunningTask()) return std::move(task)();
  struct Waiting {
    Mutex mu;
    CondVar changed;
    bool over ABSL_GUARDED_BY(mu) = false;
  };
  // Goes with the task, whether that runs or not.
  struct Ender {
    explicit Ender(std::shared_ptr<Waiting> it) : waiting(std::move(it)) {}
    ~Ender() {
      MutexLock lock(&waiting->mu);
      waiting->over = true;
      waiting->changed.NotifyAll();
    }
    const std::shared_ptr<Waiting> waiting;
  };
  const auto waiting = std::make_shared<Waiting>();
  loop->Post([ender = std::make_unique<Ender>(waiting), task = std::move(task)]() mutable {
    // Destroyed before the waiting one goes on: what it holds may be that one's.
    EventLoop::Task once = std::move(task);
    std::move(once)();
  });
  MutexLock lock(&waiting->mu);
  while (!waiting->over) waiting->changed.Wait(&waiting->mu);
}

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_EVENTS_RUN_AND_WAIT_H_

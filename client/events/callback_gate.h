#ifndef SCOUTLIGHT_CLIENT_EVENTS_CALLBACK_GATE_H_
#define SCOUTLIGHT_CLIENT_EVENTS_CALLBACK_GATE_H_

#include <memory>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "client/events/event_loop.h"

namespace scoutlight::client {

// Lets the callbacks of one object run only while it lives. They run on `callbacks`, a loop with one thread, which outlives this. A
// callback may destroy the object, the gate with it: so what it captures must not belong to the object (a shared_ptr to the program's
// function). Thread-safe.
class CallbackGate {
 public:
  explicit CallbackGate(EventLoop* callbacks) : callbacks_(*callbacks) {}
  ~CallbackGate() { Close(); }

  // Runs `callback` unless the gate is closed first.
  void Post(EventLoop::Task callback) {
    callbacks_.Post([state = state_, callback = std::move(callback)]() mutable {
      if (!state->Begin()) return;
      std::move(callback)();
      state->End();
    });
  }

  // No callback begins after this, and none runs any more when it returns, but the one that calls it. Waits for as long as the program's
  // callback takes. Closed already: returns at once, so that a callback which has closed its own gate holds up nobody.
  void Close() { state_->Close(); }

 private:
  class State {
   public:
    bool Begin() {
      MutexLock lock(&mu_);
      if (closed_) return false;
      running_ = std::this_thread::get_id();
      return true;
    }
    void End() {
      MutexLock lock(&mu_);
      running_ = std::thread::id();
      ended_.NotifyAll();
    }
    void Close() {
      MutexLock lock(&mu_);
      if (std::exchange(closed_, true)) return;
      while (running_ != std::thread::id() && running_ != std::this_thread::get_id()) ended_.Wait(&mu_);
    }

   private:
    Mutex mu_;
    CondVar ended_;
    bool closed_ ABSL_GUARDED_BY(mu_) = false;
    std::thread::id running_ ABSL_GUARDED_BY(mu_);  // Whose callback runs; none: none does.
  };

  EventLoop& callbacks_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_EVENTS_CALLBACK_GATE_H_

#ifndef SCOUTLIGHT_CLIENT_GATES_ENTRANCE_H_
#define SCOUTLIGHT_CLIENT_GATES_ENTRANCE_H_

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace scoutlight::client {

// Counts who is inside something that is going to be closed, so that closing waits for them. Thread-safe.
class Entrance {
 public:
  // False: closed. True: Leave() is to follow, soon.
  bool Enter() {
    MutexLock lock(&mu_);
    if (closed_) return false;
    ++inside_;
    return true;
  }
  void Leave() {
    MutexLock lock(&mu_);
    if (--inside_ == 0 && closed_) left_.NotifyAll();
  }
  // Nobody enters any more, nobody is inside when this returns. False: it was closed already.
  bool Close() {
    MutexLock lock(&mu_);
    const bool first = !closed_;
    closed_ = true;
    while (inside_ != 0) left_.Wait(&mu_);
    return first;
  }

 private:
  Mutex mu_;
  CondVar left_;
  int inside_ ABSL_GUARDED_BY(mu_) = 0;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

// Inside an Entrance for the time of a scope, if it is open.
class Visit {
 public:
  explicit Visit(Entrance* entrance) : entrance_(entrance->Enter() ? entrance : nullptr) {}
  ~Visit() {
    if (entrance_ != nullptr) entrance_->Leave();
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  bool ok() const { return entrance_ != nullptr; }

 private:
  Entrance* const entrance_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_ENTRANCE_H_

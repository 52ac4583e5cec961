#ifndef SCOUTLIGHT_CLIENT_GATES_CLOSING_THREADS_H_
#define SCOUTLIGHT_CLIENT_GATES_CLOSING_THREADS_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "client/events/try_thread.h"

namespace scoutlight::client {

// Threads on which sockets close, which takes each its time (docs/decisions/0026-gates.md). One is there before there is anything to close,
// and stays: so everything has its turn, even when the system has no thread left. More come while all are busy, and go when nothing is left
// to do. Thread-safe.
class ClosingThreads {
 public:
  static constexpr int kThreadsMax = 64;

  // `start` as TryThread, which a test replaces.
  explicit ClosingThreads(ThreadStarter start = &TryThread);
  // What has been given still runs; nothing waits for it.
  ~ClosingThreads();

  // To be called, with success, before Run(); later calls do nothing. kResourceExhausted: the system has no thread.
  absl::Status Prepare();
  // Runs `task` on a thread. Does not block. At most as many wait as there are sockets.
  void Run(std::function<void()> task);

 private:
  class State;

  const std::shared_ptr<State> state_;  // Shared with the threads.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_CLOSING_THREADS_H_

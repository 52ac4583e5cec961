#ifndef SCOUTLIGHT_CLIENT_GATES_SENDER_H_
#define SCOUTLIGHT_CLIENT_GATES_SENDER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/gate_counters.h"
#include "client/gates/line.h"

namespace scoutlight::client {

// Bounds of a queue.
struct QueueBounds {
  size_t messages_max = 0;
  size_t bytes_max = 0;
};

// What the program sends goes through here to lines. Its methods may be called in any thread, OnSent() and OnAnswer() in those of sockets;
// none but Push() and AwaitEmpty() blocks. No lock is held when a line's socket is called.
class Sender {
 public:
  virtual ~Sender() = default;

  // Takes `body` on success alone. Waits for room up to `timeout`. kDeadlineExceeded, or kResourceExhausted if `timeout` is zero: there was
  // none. kFailedPrecondition: it has stopped.
  virtual absl::Status Push(std::string&& body, absl::Duration timeout) = 0;

  // `line` may be used, once it has peers.
  virtual void OnPeers(const LinePtr& line, int peers) = 0;
  // It gets nothing new; what is on its way goes on. Called again: nothing.
  virtual void Retire(const LinePtr& line) = 0;
  // Whether nothing is on its way over it.
  virtual bool IsIdle(const LinePtr& line) const = 0;
  virtual void OnSent(const LinePtr& line, const absl::Status& status, std::string body) = 0;
  virtual void OnAnswer(const LinePtr& line, uint64_t ask, absl::StatusOr<std::string> answer) = 0;

  // Push() fails from now on, those that wait too. What was taken goes on being sent.
  virtual void Stop() = 0;
  // Waits until everything that was taken is sent. Answers how many messages are not.
  virtual int64_t AwaitEmpty(absl::Duration timeout) = 0;
  // Forgets what has not been sent. After Stop(), when all lines are closed.
  virtual void Drop() = 0;
  // Adds its own.
  virtual void Count(GateCounters* counters) const = 0;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_SENDER_H_

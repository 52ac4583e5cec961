#ifndef SCOUTLIGHT_CLIENT_GATES_SEND_QUEUE_H_
#define SCOUTLIGHT_CLIENT_GATES_SEND_QUEUE_H_

#include <cstdint>
#include <deque>
#include <string>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "client/gates/room.h"
#include "client/gates/sender.h"

namespace scoutlight::client {

// PUSH and PAIR: each message goes to one line, in turn those that can send. A message that a line gives back goes to the front of the
// queue. Thread-safe.
class SendQueue final : public Sender {
 public:
  explicit SendQueue(const QueueBounds& bounds) : room_(bounds) {}

  absl::Status Push(std::string&& body, absl::Duration timeout) override;
  void OnPeers(const LinePtr& line, int peers) override;
  void Retire(const LinePtr& line) override;
  bool IsIdle(const LinePtr& line) const override;
  void OnSent(const LinePtr& line, const absl::Status& status, std::string body) override;
  void OnAnswer(const LinePtr&, uint64_t, absl::StatusOr<std::string>) override {}
  void Stop() override;
  int64_t AwaitEmpty(absl::Duration timeout) override;
  void Drop() override;
  void Count(GateCounters* counters) const override;

 private:
  // `line` can take a message if it is free: puts it among those that can.
  void MayBeIdle(const LinePtr& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes the next line and message; false: there is none of one. `*line` is sending then.
  bool TakeNext(LinePtr* line, std::string* body) ABSL_LOCKS_EXCLUDED(mu_);
  // Sends as long as there are both.
  void Pump() ABSL_LOCKS_EXCLUDED(mu_);

  mutable Mutex mu_;
  Room room_ ABSL_GUARDED_BY(mu_);  // Messages in `queue_`, and those that lines have and may give back.
  std::deque<std::string> queue_ ABSL_GUARDED_BY(mu_);
  std::deque<LinePtr> idle_ ABSL_GUARDED_BY(mu_);
  GateCounters counters_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_SEND_QUEUE_H_

#ifndef SCOUTLIGHT_CLIENT_GATES_RECEIVE_QUEUE_H_
#define SCOUTLIGHT_CLIENT_GATES_RECEIVE_QUEUE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/gate_counters.h"
#include "client/gates/line.h"
#include "client/gates/sender.h"
#include "client/message.h"

namespace scoutlight::client {

// What is asked of messages that a gate receives.
enum class Answers {
  kNone,      // PULL, SUB, PAIR.
  kReply,     // REP.
  kVerdicts,  // Acked: client/gates/acked_format.h.
};

// What comes over lines waits here for the program. When it is full, no line is received from any more, which holds back the peers. Of
// messages that are to be answered at most `messages_max` are in the queue or in the program's hands; each line may bring one more. Held as
// shared_ptr, weakly by the messages that it gives out. Thread-safe; no lock is held when a line's socket is called.
class ReceiveQueue : public std::enable_shared_from_this<ReceiveQueue> {
 public:
  // `message_bytes_max`: of a body that comes, whatever the sockets let through, and of a reply.
  ReceiveQueue(const QueueBounds& bounds, Answers answers, size_t message_bytes_max)
      : bounds_(bounds), answers_(answers), message_bytes_max_(message_bytes_max) {}

  // Waits up to `timeout`. kDeadlineExceeded: none came. kFailedPrecondition: it has stopped, and is empty.
  absl::StatusOr<Message> Pull(absl::Duration timeout);

  // Receives from `line` from now on.
  void Add(const LinePtr& line);
  // Not any more, nor keeps it: its socket has closed.
  void Remove(const LinePtr& line);
  void OnReceived(const LinePtr& line, absl::StatusOr<ReceivedMessage> received);
  // Takes no more. kNothing: receives no more either; Pull() still gives out what is there. kAll: refuses what is there, and what comes, so
  // that nobody waits for an answer to it.
  enum class Drop { kNothing, kAll };
  void Stop(Drop drop);
  void Count(GateCounters* counters) const;

 private:
  class Answer;

  // Whether one more message may come.
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Receives from `line`, now or when there is room.
  void Receive(const LinePtr& line) ABSL_LOCKS_EXCLUDED(mu_);
  // Goes on with lines that wait for room.
  void Resume() ABSL_LOCKS_EXCLUDED(mu_);
  // The message of what came; kInvalidArgument: it is malformed, and gets no answer, or too large, which is refused if its delivery is
  // acked.
  absl::StatusOr<Message> Read(ReceivedMessage received);
  void OnAnswered();

  const QueueBounds bounds_;
  const Answers answers_;
  const size_t message_bytes_max_;
  mutable Mutex mu_;
  CondVar changed_;
  std::deque<Message> queue_ ABSL_GUARDED_BY(mu_);
  int64_t queue_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t unanswered_ ABSL_GUARDED_BY(mu_) = 0;
  std::deque<LinePtr> paused_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  bool refuses_ ABSL_GUARDED_BY(mu_) = false;
  GateCounters counters_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_RECEIVE_QUEUE_H_

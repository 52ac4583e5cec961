#include "client/gates/receive_queue.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/error.h"
#include "client/gates/acked_format.h"
#include "client/gates/message_answer.h"

namespace scoutlight::client {

// Answers one message, and tells its queue that it is answered, or dropped.
class ReceiveQueue::Answer final : public MessageAnswer {
 public:
  Answer(std::shared_ptr<ReceiveQueue> queue, std::unique_ptr<Answerer> answerer, MessageId id)
      : queue_(queue), answers_(queue->answers_), answer_bytes_max_(queue->message_bytes_max_), answerer_(std::move(answerer)), id_(id) {}
  ~Answer() override {
    if (answerer_ != nullptr && answers_ == Answers::kVerdicts) static_cast<void>(Tell(Verdict::kRefused));
    // Before the queue goes on: what the socket has for this request is free then.
    answerer_ = nullptr;
    if (const std::shared_ptr<ReceiveQueue> queue = queue_.lock(); queue != nullptr) queue->OnAnswered();
  }

  std::optional<absl::Status> Confirm() override {
    if (answers_ != Answers::kVerdicts) return std::nullopt;
    const absl::Status told = Tell(Verdict::kConfirmed);
    answerer_ = nullptr;
    return told;
  }
  std::optional<absl::Status> Reply(std::string body) override {
    if (answers_ != Answers::kReply) return std::nullopt;
    if (body.size() > answer_bytes_max_) {
      return InvalidField(Reason::kValueTooLarge, "body",
                          absl::StrCat("has ", body.size(), " bytes, at most ", answer_bytes_max_, " are allowed"));
    }
    const absl::Status told = answerer_->Answer(body);
    answerer_ = nullptr;
    return told;
  }

 private:
  absl::Status Tell(Verdict verdict) { return answerer_->Answer(EncodeAnswer({.id = id_, .verdict = verdict})); }

  const std::weak_ptr<ReceiveQueue> queue_;
  const Answers answers_;
  const size_t answer_bytes_max_;
  std::unique_ptr<Answerer> answerer_;  // Null: it has been used.
  const MessageId id_;
};

absl::StatusOr<Message> ReceiveQueue::Pull(absl::Duration timeout) {
  std::optional<Message> message;
  {
    MutexLock lock(&mu_);
    if (queue_.empty() && !stopped_ && timeout > absl::ZeroDuration()) {
      const absl::Duration end = Clock::System().SinceBoot() + timeout;
      for (absl::Duration left = timeout; queue_.empty() && !stopped_ && left > absl::ZeroDuration();
           left = end - Clock::System().SinceBoot()) {
        changed_.WaitFor(&mu_, left);
      }
    }
    if (queue_.empty()) {
      if (stopped_) return absl::FailedPreconditionError("the gate is closed");
      return absl::DeadlineExceededError(absl::StrCat("no message came within ", absl::FormatDuration(timeout)));
    }
    message.emplace(std::move(queue_.front()));
    queue_.pop_front();
    queue_bytes_ -= static_cast<int64_t>(message->body().size());
    ++counters_.pulled;
    if (paused_.empty()) return *std::move(message);
  }
  Resume();
  return *std::move(message);
}

bool ReceiveQueue::HasRoom() const {
  if (refuses_) return true;
  const int64_t taken = answers_ == Answers::kNone ? static_cast<int64_t>(queue_.size()) : unanswered_;
  // A line that waits for a message takes no room: it may wait for ever, while others have some.
  return taken < static_cast<int64_t>(bounds_.messages_max) && (queue_.empty() || queue_bytes_ < static_cast<int64_t>(bounds_.bytes_max));
}

void ReceiveQueue::Add(const LinePtr& line) { Receive(line); }

void ReceiveQueue::Remove(const LinePtr& line) {
  MutexLock lock(&mu_);
  line->to_receive.removed = true;
  if (std::exchange(line->to_receive.paused, false)) std::erase(paused_, line);
}

void ReceiveQueue::Receive(const LinePtr& line) {
  {
    MutexLock lock(&mu_);
    auto& state = line->to_receive;
    if ((stopped_ && !refuses_) || state.receiving || state.paused || state.removed) return;
    if (!HasRoom()) {
      state.paused = true;
      paused_.push_back(line);
      return;
    }
    state.receiving = true;
  }
  if (line->socket().Receive().ok()) return;
  // It is closed.
  MutexLock lock(&mu_);
  line->to_receive.receiving = false;
}

void ReceiveQueue::Resume() {
  for (;;) {
    LinePtr line;
    {
      MutexLock lock(&mu_);
      if (paused_.empty() || !HasRoom()) return;
      line = std::move(paused_.front());
      paused_.pop_front();
      line->to_receive.paused = false;
    }
    Receive(line);
  }
}

absl::StatusOr<Message> ReceiveQueue::Read(ReceivedMessage received) {
  std::optional<AckedRequest> request = AckedRequest{.body = received.body};
  if (answers_ == Answers::kVerdicts) request = DecodeRequest(received.body);
  if (!request.has_value()) return absl::InvalidArgumentError("no message of acked delivery");
  const MessageId id = request->id;
  const bool fits = request->body.size() <= message_bytes_max_;
  std::string body = answers_ == Answers::kVerdicts && fits ? std::string(request->body) : std::move(received.body);
  std::unique_ptr<Answer> answer;
  if (answers_ != Answers::kNone) {
    {
      MutexLock lock(&mu_);
      ++unanswered_;
    }
    answer = std::make_unique<Answer>(shared_from_this(), std::move(received.answerer), id);
  }
  if (!fits) return absl::InvalidArgumentError("a message over message_bytes_max");
  return Message(std::move(body), id, std::move(answer));
}

void ReceiveQueue::OnReceived(const LinePtr& line, absl::StatusOr<ReceivedMessage> received) {
  const bool came = received.ok();
  absl::StatusOr<Message> message = absl::UnavailableError("");
  if (came) message = Read(*std::move(received));
  {
    MutexLock lock(&mu_);
    line->to_receive.receiving = false;
    if (!came) return;
    if (message.ok()) {
      ++counters_.received;
      counters_.received_bytes += static_cast<int64_t>(message->body().size());
      if (!stopped_) {
        queue_bytes_ += static_cast<int64_t>(message->body().size());
        queue_.push_back(*std::move(message));
        changed_.NotifyOne();
      }
    } else {
      ++counters_.malformed;
    }
  }
  // What nobody took is refused by its destruction.
  Receive(line);
}

void ReceiveQueue::OnAnswered() {
  {
    MutexLock lock(&mu_);
    --unanswered_;
  }
  Resume();
}

void ReceiveQueue::Stop(Drop drop) {
  std::deque<Message> dropped;
  {
    MutexLock lock(&mu_);
    stopped_ = true;
    changed_.NotifyAll();
    if (drop == Drop::kNothing) return;
    refuses_ = true;
    dropped.swap(queue_);
    queue_bytes_ = 0;
  }
  Resume();
}

void ReceiveQueue::Count(GateCounters* counters) const {
  MutexLock lock(&mu_);
  counters->received += counters_.received;
  counters->received_bytes += counters_.received_bytes;
  counters->malformed += counters_.malformed;
  counters->pulled += counters_.pulled;
  counters->waiting += static_cast<int64_t>(queue_.size());
  counters->waiting_bytes += queue_bytes_;
  counters->unconfirmed += unanswered_;
}

}  // namespace scoutlight::client

#ifndef SCOUTLIGHT_CLIENT_MESSAGE_H_
#define SCOUTLIGHT_CLIENT_MESSAGE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"

namespace scoutlight {

namespace client {
class MessageAnswer;
}  // namespace client

// Which message of acked delivery it is: the same each time that it is delivered, and no other's.
struct MessageId {
  uint64_t sender = 0;    // Drawn by the gate that it was pushed into.
  uint64_t sequence = 0;  // From 1; 0: the message has no id, because its delivery is plain.

  friend auto operator<=>(const MessageId&, const MessageId&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const MessageId& id) {
    return H::combine(std::move(state), id.sender, id.sequence);
  }
};

// What a gate was given. One that is dropped without an answer is refused, if its delivery is acked: its sender sends it again, to another
// instance if there is one. May outlive its gate. Move-only; not thread-safe.
class Message {
 public:
  explicit Message(std::string body);
  // As a gate makes it. `answer` may be null.
  Message(std::string body, MessageId id, std::unique_ptr<client::MessageAnswer> answer);
  Message(Message&&) noexcept;
  Message& operator=(Message&&) noexcept;
  ~Message();

  const std::string& body() const { return body_; }
  std::string TakeBody() { return std::move(body_); }
  const MessageId& id() const { return id_; }

  // It has been dealt with: its sender forgets it. What is on its way when this process dies, is sent again all the same. Of plain
  // delivery, and the second time: nothing. kFailedPrecondition: the gate is closed, or its connection is gone; the sender sends it again.
  absl::Status Confirm();
  // Answers a request (REP). kFailedPrecondition: it is none, it has been answered, or the gate is closed. kInvalidArgument: `body` is
  // larger than GateOptions::message_bytes_max.
  absl::Status Reply(std::string body);

 private:
  std::string body_;
  MessageId id_;
  std::unique_ptr<client::MessageAnswer> answer_;  // Null: it wants none, or was given it.
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_MESSAGE_H_

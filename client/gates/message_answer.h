#ifndef SCOUTLIGHT_CLIENT_GATES_MESSAGE_ANSWER_H_
#define SCOUTLIGHT_CLIENT_GATES_MESSAGE_ANSWER_H_

#include <optional>
#include <string>

#include "absl/status/status.h"

namespace scoutlight::client {

// How a message's sender is answered: once, by either. Destroying it unanswered refuses the message. Not thread-safe.
class MessageAnswer {
 public:
  virtual ~MessageAnswer() = default;

  // nullopt: the message does not want this. Else as the methods of Message; after kInvalidArgument it may be answered again.
  virtual std::optional<absl::Status> Confirm() = 0;
  virtual std::optional<absl::Status> Reply(std::string body) = 0;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_MESSAGE_ANSWER_H_

#include "client/message.h"

#include <optional>

#include "client/gates/message_answer.h"

namespace scoutlight {

Message::Message(std::string body) : body_(std::move(body)) {}
Message::Message(std::string body, MessageId id, std::unique_ptr<client::MessageAnswer> answer)
    : body_(std::move(body)), id_(id), answer_(std::move(answer)) {}
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;

absl::Status Message::Confirm() {
  if (answer_ == nullptr) return absl::OkStatus();
  const std::optional<absl::Status> told = answer_->Confirm();
  if (!told.has_value()) return absl::OkStatus();
  answer_ = nullptr;
  return *told;
}

absl::Status Message::Reply(std::string body) {
  std::optional<absl::Status> told;
  if (answer_ != nullptr) told = answer_->Reply(std::move(body));
  if (!told.has_value()) return absl::FailedPreconditionError("the message is no request, or has been answered");
  if (told->code() != absl::StatusCode::kInvalidArgument) answer_ = nullptr;
  return *told;
}

}  // namespace scoutlight

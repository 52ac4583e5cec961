#include "client/gate.h"

#include <utility>

#include "client/gates/gate_core.h"

namespace scoutlight {

Gate::Gate(std::shared_ptr<client::GateCore> core) : core_(std::move(core)) {}
Gate::Gate(Gate&&) noexcept = default;
Gate& Gate::operator=(Gate&& other) noexcept {
  if (this == &other) return *this;
  if (core_ != nullptr) core_->Close(absl::ZeroDuration());
  core_ = std::move(other.core_);
  return *this;
}
Gate::~Gate() {
  if (core_ != nullptr) core_->Close(absl::ZeroDuration());
}

const std::string& Gate::queue() const { return core_->options().queue; }
LinkType Gate::type() const { return *core_->options().type; }
GateReport Gate::Look() const { return core_->Look(); }
GateCloseReport Gate::Close(absl::Duration flush_timeout) { return core_->Close(flush_timeout); }

absl::Status OutGate::Push(std::string body, absl::Duration timeout) { return core_->Push(std::move(body), timeout); }
absl::Status OutGate::TryPush(std::string&& body) { return core_->Push(std::move(body), absl::ZeroDuration()); }

absl::Status OutGate::Relay(Message&& cause, std::string body, absl::Duration timeout) {
  return core_->Relay(std::move(cause), std::move(body), timeout);
}

absl::StatusOr<Message> InGate::Pull(absl::Duration timeout) { return core_->Pull(timeout); }

absl::Status InOutGate::Push(std::string body, absl::Duration timeout) { return core_->Push(std::move(body), timeout); }
absl::Status InOutGate::TryPush(std::string&& body) { return core_->Push(std::move(body), absl::ZeroDuration()); }
absl::StatusOr<Message> InOutGate::Pull(absl::Duration timeout) { return core_->Pull(timeout); }
absl::StatusOr<std::string> InOutGate::Ask(std::string request, absl::Duration timeout) { return core_->Ask(std::move(request), timeout); }

}  // namespace scoutlight

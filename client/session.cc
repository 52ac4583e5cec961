#include "client/session.h"

#include "client/session/session_core.h"

namespace scoutlight {

absl::StatusOr<Session> Session::Open(const Connection& connection, SessionOptions options) {
  if (absl::Status wrong = CheckOptions(options); !wrong.ok()) return wrong;
  return Session(std::make_shared<client::SessionCore>(connection.wire(), std::move(options)));
}

Session::Session(Session&& other) noexcept = default;

Session& Session::operator=(Session&& other) noexcept {
  Session taken(std::move(other));
  std::swap(core_, taken.core_);
  return *this;
}

Session::~Session() {
  if (core_ != nullptr) core_->Close();
}

absl::StatusOr<discovery::InstanceName> Session::Register(Registration registration, IfOwned if_owned) {
  absl::StatusOr<std::vector<discovery::InstanceName>> names = core_->Register({std::move(registration)}, if_owned);
  if (!names.ok()) return StripFields(names.status(), "[0].");
  return std::move(names->front());
}

absl::StatusOr<discovery::InstanceName> Session::Register(absl::string_view service, discovery::Properties properties, IfOwned if_owned) {
  return Register({.service = std::string(service), .properties = std::move(properties)}, if_owned);
}

absl::StatusOr<std::vector<discovery::InstanceName>> Session::RegisterAll(std::vector<Registration> registrations, IfOwned if_owned) {
  return core_->Register(std::move(registrations), if_owned);
}

absl::Status Session::Unregister(const discovery::InstanceName& name) { return core_->Unregister(name); }

absl::Status Session::SetSoftValues(const discovery::InstanceName& name, discovery::SoftValues soft) {
  return core_->SetSoftValues(name, std::move(soft));
}

std::optional<RegistrationReport> Session::StateOf(const discovery::InstanceName& name) const { return core_->StateOf(name); }

absl::Status Session::WaitUntilRegistered(absl::Duration timeout) const { return core_->WaitUntilRegistered(timeout); }

absl::StatusOr<LeaveReport> Session::Leave(LeaveOptions options) {
  if (absl::Status wrong = CheckOptions(options); !wrong.ok()) return wrong;
  return core_->Leave(options);
}

const std::string& Session::session_id() const { return core_->session_id(); }

}  // namespace scoutlight

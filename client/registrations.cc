#include "client/registrations.h"

#include <utility>

#include "client/wire/discovery_conversion.h"
#include "client/wire/drain_call.h"
#include "client/wire/instance_conversion.h"
#include "client/wire/session_conversion.h"
#include "client/wire/time_conversion.h"
#include "client/wire/wire.h"

namespace scoutlight {
namespace {

namespace wire = ::scoutlight::discovery::v1;
using Stub = wire::RegistrationService::Stub;

client::CallOptions Writing(Timeout timeout) { return {.timeout = timeout, .repeatable = client::Repeatable::kWithId}; }

template <typename Response>
StoreState StateOf(const Response& response) {
  return {response.revision(), response.store_id()};
}

void SetLifetime(const Lifetime& lifetime, wire::RegisterRequest* request) {
  if (const auto* ttl = std::get_if<absl::Duration>(&lifetime)) {
    *request->mutable_ttl() = client::WireDuration(*ttl);
  } else if (const auto* lease_id = std::get_if<LeaseId>(&lifetime)) {
    request->set_lease_id(*lease_id);
  } else {
    request->set_permanent(true);
  }
}

wire::RegisterRequest RequestOf(const Registration& registration, const Lifetime& lifetime, const RegisterOptions& options,
                                client::Wire* wire) {
  wire::RegisterRequest request;
  client::FillRegistration({registration.cluster, registration.service, registration.id}, registration.properties,
                           request.mutable_instance());
  SetLifetime(lifetime, &request);
  request.set_take_over(options.if_owned == IfOwned::kTakeOver);
  request.set_session_id(options.session_id);
  request.set_request_id(wire->NewRequestId());
  return request;
}

// `request` is what was asked for: the answer may leave the instance out.
absl::StatusOr<RegisterResult> ResultOf(const wire::RegisterAllResponse::Result& result, const wire::RegisterRequest& request,
                                        const StoreState& state) {
  if (absl::Status error = client::ErrorOf(result); !error.ok()) return error;
  RegisterResult registered{.state = state, .unchanged = result.unchanged(), .replayed = result.replayed()};
  if (result.has_instance()) {
    registered.instance = client::ReadInstance(result.instance());
  } else {
    const wire::Registration& asked = request.instance();
    registered.instance.name = {asked.cluster().empty() ? "default" : asked.cluster(), asked.service(), asked.id()};
  }
  return registered;
}

}  // namespace

Registrations::Registrations(Connection connection) : wire_(connection.wire()) {}

absl::StatusOr<RegisterResult> Registrations::Register(Registration registration, Lifetime lifetime, RegisterOptions options) const {
  wire::RegisterRequest request = RequestOf(registration, lifetime, options, wire_.get());
  const absl::StatusOr<wire::RegisterResponse> response = wire_->Call(&Stub::Register, std::move(request), Writing(options.timeout));
  if (!response.ok()) return response.status();
  return RegisterResult{client::ReadInstance(response->instance()), StateOf(*response), response->unchanged(), response->replayed()};
}

absl::StatusOr<RegisterAllResult> Registrations::RegisterAll(std::vector<ToRegister> all, Timeout timeout) const {
  wire::RegisterAllRequest request;
  for (const ToRegister& one : all) {
    *request.add_registrations() = RequestOf(one.registration, one.lifetime, one.options, wire_.get());
  }
  const absl::StatusOr<wire::RegisterAllResponse> response = wire_->Call(&Stub::RegisterAll, request, Writing(timeout));
  if (!response.ok()) return response.status();
  RegisterAllResult result{.results = {}, .state = StateOf(*response)};
  for (int i = 0; i < response->results_size() && i < request.registrations_size(); ++i) {
    result.results.push_back(ResultOf(response->results(i), request.registrations(i), result.state));
  }
  return result;
}

absl::StatusOr<UpdateResult> Registrations::Update(const discovery::InstanceName& name, PropertyChanges changes, Revision epoch,
                                                   Timeout timeout) const {
  wire::UpdateRequest request;
  client::FillName(name, request.mutable_name());
  for (const auto& [property, value] : changes.set) (*request.mutable_set_properties())[property] = value;
  for (std::string& property : changes.remove) request.add_remove_properties(std::move(property));
  request.set_replace(changes.replace);
  request.set_epoch(epoch);
  request.set_request_id(wire_->NewRequestId());
  const absl::StatusOr<wire::UpdateResponse> response = wire_->Call(&Stub::Update, std::move(request), Writing(timeout));
  if (!response.ok()) return response.status();
  return UpdateResult{client::ReadInstance(response->instance()), StateOf(*response), response->replayed()};
}

absl::StatusOr<DeregisterResult> Registrations::Deregister(const discovery::InstanceName& name, Revision epoch, Timeout timeout) const {
  wire::DeregisterRequest request;
  client::FillName(name, request.mutable_name());
  request.set_epoch(epoch);
  request.set_request_id(wire_->NewRequestId());
  const absl::StatusOr<wire::DeregisterResponse> response = wire_->Call(&Stub::Deregister, std::move(request), Writing(timeout));
  if (!response.ok()) return response.status();
  return DeregisterResult{response->found(), StateOf(*response), response->replayed()};
}

absl::StatusOr<DrainResult> Registrations::Drain(const discovery::InstanceName& name, DrainOptions options, Revision epoch) const {
  const absl::StatusOr<wire::DrainResponse> response = client::CallDrain(wire_.get(), name, epoch, options);
  if (!response.ok()) return response.status();
  return DrainResult{client::DrainReportOf(*response), StateOf(*response), response->replayed()};
}

absl::StatusOr<PutOverrideResult> Registrations::PutOverride(const discovery::InstanceName& name, absl::string_view reason,
                                                             std::optional<absl::Duration> ttl, Timeout timeout) const {
  wire::PutOverrideRequest request;
  client::FillName(name, request.mutable_name());
  request.set_reason(std::string(reason));
  if (ttl.has_value()) *request.mutable_ttl() = client::WireDuration(*ttl);
  request.set_request_id(wire_->NewRequestId());
  const absl::StatusOr<wire::PutOverrideResponse> response = wire_->Call(&Stub::PutOverride, std::move(request), Writing(timeout));
  if (!response.ok()) return response.status();
  PutOverrideResult result{.override = std::nullopt, .state = StateOf(*response), .replayed = response->replayed()};
  if (response->has_override()) result.override = client::OverrideOf(response->override());
  return result;
}

absl::StatusOr<DeleteOverrideResult> Registrations::DeleteOverride(const discovery::InstanceName& name, Timeout timeout) const {
  wire::DeleteOverrideRequest request;
  client::FillName(name, request.mutable_name());
  request.set_request_id(wire_->NewRequestId());
  const absl::StatusOr<wire::DeleteOverrideResponse> response = wire_->Call(&Stub::DeleteOverride, std::move(request), Writing(timeout));
  if (!response.ok()) return response.status();
  return DeleteOverrideResult{response->found(), StateOf(*response), response->replayed()};
}

absl::StatusOr<ConfirmLossResult> Registrations::ConfirmLoss(const discovery::ServiceName& service, const std::vector<std::string>& ids,
                                                             Timeout timeout) const {
  wire::ConfirmLossRequest request;
  request.set_cluster(service.cluster);
  request.set_service(service.service);
  for (const std::string& id : ids) request.add_ids(id);
  const absl::StatusOr<wire::ConfirmLossResponse> response =
      wire_->Call(&Stub::ConfirmLoss, std::move(request), {.timeout = timeout, .repeatable = client::Repeatable::kNever});
  if (!response.ok()) return response.status();
  return ConfirmLossResult{response->confirmed(), StateOf(*response)};
}

}  // namespace scoutlight

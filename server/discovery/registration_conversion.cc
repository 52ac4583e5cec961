#include "server/discovery/registration_conversion.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/names.h"
#include "discovery/schema.h"
#include "server/clean_text.h"
#include "server/discovery/instance_conversion.h"
#include "server/error_reason.h"
#include "server/request_fields.h"
#include "server/violations.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;

using PropertyMap = google::protobuf::Map<std::string, std::string>;

discovery::Properties PropertiesOf(const PropertyMap& properties) { return discovery::Properties(properties.begin(), properties.end()); }

void ReadLifetime(const wire::RegisterRequest& request, const storage::Traits& traits, Registration* registration, Violations* violations) {
  switch (request.lifetime_case()) {
    case wire::RegisterRequest::kTtl:
      registration->ttl = ReadDuration(request.ttl(), traits.ttl_min, traits.ttl_max, "ttl", violations);
      return;
    case wire::RegisterRequest::kPermanent:
      if (!request.permanent()) violations->Add(Reason::kInvalidField, "permanent", "is false; leave it out and set ttl or lease_id");
      return;
    case wire::RegisterRequest::kLeaseId:
      if (request.lease_id() <= 0) {
        violations->Add(Reason::kInvalidField, "lease_id", absl::StrCat("is ", request.lease_id(), ", must be positive"));
      }
      registration->lease_id = request.lease_id();
      return;
    case wire::RegisterRequest::LIFETIME_NOT_SET:
      violations->Add(Reason::kInvalidField, "lifetime", "one of ttl, permanent, lease_id must be set");
  }
}

// What is wrong with an instance: under the schema of its service, as far as names and `claims` (null: not known yet) tell which that is.
std::vector<FieldViolation> InstanceViolations(const discovery::InstanceName& name, const discovery::Properties& properties,
                                               const discovery::Claims* claims) {
  const bool named = discovery::ClusterFault(name.cluster).empty() && discovery::ServiceFault(name.service).empty();
  const discovery::Schema* const schema = claims != nullptr && named ? claims->SchemaOf(name.cluster, name.service) : nullptr;
  return schema == nullptr ? discovery::CheckInstance(name, properties) : discovery::CheckInstanceUnder(*schema, name, properties);
}

}  // namespace

absl::StatusOr<Registration> RegistrationOf(const wire::RegisterRequest& request, const storage::Traits& traits,
                                            const discovery::Claims* claims) {
  Violations violations;
  Registration registration;
  const wire::Registration& instance = request.instance();
  registration.name = {instance.cluster().empty() ? "default" : instance.cluster(), instance.service(), instance.id()};
  registration.properties = PropertiesOf(instance.properties());
  violations.SetPrefix("instance.");
  discovery::InstanceName checked = registration.name;
  if (checked.id.empty()) checked.id = "drawn";
  for (const FieldViolation& violation : InstanceViolations(checked, registration.properties, claims)) {
    violations.Add(Reason::kInvalidField, violation.field, violation.description);
  }
  violations.SetPrefix("");
  ReadLifetime(request, traits, &registration, &violations);
  registration.take_over = request.take_over();
  registration.session = request.session_id();
  if (request.session_id().size() > limits::kSessionIdBytesMax) {
    violations.Add(Reason::kInvalidField, "session_id",
                   absl::StrCat("is ", request.session_id().size(), " bytes long, at most ", limits::kSessionIdBytesMax, " are allowed"));
  }
  CheckRequestId(request.request_id(), &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return registration;
}

absl::StatusOr<Update> UpdateOf(const wire::UpdateRequest& request) {
  Violations violations;
  Update update;
  violations.SetPrefix("name.");
  update.name = ReadInstanceName(request.name(), &violations);
  violations.SetPrefix("");
  update.set = PropertiesOf(request.set_properties());
  // Whether they are names and values at all is told together with what the schema has against them (Registrar::Change).
  if (request.remove_properties_size() > limits::kPropertiesMax) {
    violations.Add(Reason::kInvalidField, "remove_properties",
                   absl::StrCat("are ", request.remove_properties_size(), ", at most ", limits::kPropertiesMax, " are allowed"));
  }
  update.remove.assign(request.remove_properties().begin(), request.remove_properties().end());
  update.replace = request.replace();
  update.epoch = ReadCount(request.epoch(), "epoch", &violations);
  CheckRequestId(request.request_id(), &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return update;
}

absl::StatusOr<Deregistration> DeregistrationOf(const wire::DeregisterRequest& request) {
  Violations violations;
  Deregistration deregistration;
  violations.SetPrefix("name.");
  deregistration.name = ReadInstanceName(request.name(), &violations);
  violations.SetPrefix("");
  deregistration.epoch = ReadCount(request.epoch(), "epoch", &violations);
  CheckRequestId(request.request_id(), &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return deregistration;
}

absl::StatusOr<DrainSpec> DrainSpecOf(const wire::DrainRequest& request) {
  Violations violations;
  DrainSpec spec{.timeout = limits::kDrainTimeoutDefault};
  violations.SetPrefix("name.");
  spec.change.name = ReadInstanceName(request.name(), &violations);
  violations.SetPrefix("");
  spec.change.epoch = ReadCount(request.epoch(), "epoch", &violations);
  if (request.has_timeout()) {
    spec.timeout = ReadDuration(request.timeout(), absl::ZeroDuration(), limits::kDrainTimeoutMax, "timeout", &violations);
  }
  if (request.has_linger()) {
    spec.linger = ReadDuration(request.linger(), absl::ZeroDuration(), limits::kDrainTimeoutMax, "linger", &violations);
  }
  CheckRequestId(request.request_id(), &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return spec;
}

absl::StatusOr<OverrideSpec> OverrideSpecOf(const wire::PutOverrideRequest& request, const storage::Traits& traits) {
  Violations violations;
  OverrideSpec spec;
  violations.SetPrefix("name.");
  spec.name = ReadInstanceName(request.name(), &violations);
  violations.SetPrefix("");
  spec.reason = request.reason();
  if (spec.reason.empty() || spec.reason.size() > limits::kOverrideReasonBytesMax) {
    violations.Add(Reason::kInvalidField, "reason",
                   absl::StrCat("is ", spec.reason.size(), " bytes long, must be from 1 to ", limits::kOverrideReasonBytesMax));
  }
  if (request.has_ttl()) spec.ttl = ReadDuration(request.ttl(), traits.ttl_min, traits.ttl_max, "ttl", &violations);
  CheckRequestId(request.request_id(), &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return spec;
}

absl::StatusOr<discovery::InstanceName> NameOf(const wire::DeleteOverrideRequest& request) {
  Violations violations;
  violations.SetPrefix("name.");
  discovery::InstanceName name = ReadInstanceName(request.name(), &violations);
  violations.SetPrefix("");
  CheckRequestId(request.request_id(), &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return name;
}

absl::StatusOr<ConfirmedLoss> ConfirmedLossOf(const wire::ConfirmLossRequest& request) {
  Violations violations;
  ConfirmedLoss loss;
  loss.service = {ReadCluster(request.cluster(), &violations), ReadService(request.service(), &violations)};
  if (request.ids_size() > limits::kLossesConfirmedMax) {
    violations.Add(Reason::kInvalidField, "ids",
                   absl::StrCat("has ", request.ids_size(), " ids, at most ", limits::kLossesConfirmedMax, " are allowed"));
  } else {
    loss.ids.assign(request.ids().begin(), request.ids().end());
    for (size_t i = 0; i < loss.ids.size(); ++i) {
      const std::string fault = discovery::InstanceIdFault(loss.ids[i]);
      if (!fault.empty()) violations.Add(Reason::kInvalidField, absl::StrCat("ids[", i, "]"), fault);
    }
  }
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return loss;
}

void FillError(const absl::Status& status, wire::RegisterAllResponse::Result* result) {
  result->set_code(static_cast<int>(status.code()));
  result->set_message(CleanText(status.message(), limits::kErrorMessageBytesMax));
  result->set_reason(std::string(ReasonName(ReasonShown(status))));
  size_t told = 0;
  int omitted = 0;
  for (const FieldViolation& violation : DetailsOf(status).value_or(ErrorDetails()).violations) {
    std::string description = CleanText(violation.description, limits::kErrorMessageBytesMax);
    told += violation.field.size() + description.size();
    if (told > limits::kErrorViolationsBytesMax) {
      ++omitted;
    } else {
      (*result->mutable_violations())[violation.field] = std::move(description);
    }
  }
  result->set_violations_omitted(omitted);
}

}  // namespace scoutlight::server

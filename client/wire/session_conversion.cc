#include "client/wire/session_conversion.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "client/wire/status_conversion.h"

namespace scoutlight::client {
namespace {

namespace wire = discovery::v1;

constexpr absl::string_view kInstanceField = "instance.";
template <typename Told>
absl::Status ToldError(const Told& told) {
  if (told.code() == 0) return absl::OkStatus();
  ErrorDetails details;
  details.reason = ReasonOfName(told.reason());
  for (const auto& [field, description] : told.violations()) details.violations.push_back({field, description});
  std::sort(details.violations.begin(), details.violations.end(),
            [](const FieldViolation& a, const FieldViolation& b) { return a.field < b.field; });
  return StripFields(MakeError(static_cast<absl::StatusCode>(told.code()), told.message(), details), kInstanceField);
}

}  // namespace

void FillName(const discovery::InstanceName& name, wire::InstanceName* out) {
  out->set_cluster(name.cluster);
  out->set_service(name.service);
  out->set_id(name.id);
}

void FillRegistration(const discovery::InstanceName& name, const discovery::Properties& properties, wire::Registration* out) {
  out->set_cluster(name.cluster);
  out->set_service(name.service);
  out->set_id(name.id);
  for (const auto& [property, value] : properties) (*out->mutable_properties())[property] = value;
}

void FillSoftValues(const discovery::SoftValues& soft, wire::SoftValues* out) {
  if (soft.load.has_value()) out->set_load(*soft.load);
  if (soft.reliability.has_value()) out->set_reliability(*soft.reliability);
  for (const auto& [name, count] : soft.counters) (*out->mutable_counters())[name] = count;
}

discovery::InstanceName NameOf(const wire::InstanceName& name) {
  return {name.cluster().empty() ? "default" : name.cluster(), name.service(), name.id()};
}

DrainReport DrainReportOf(const wire::DrainResponse& response) {
  DrainReport report{.complete = response.complete(),
                     .laggards = {},
                     .laggards_omitted = response.laggards_omitted(),
                     .unconfirmable_watches = response.unconfirmable_watches(),
                     .recent_resolvers = response.recent_resolvers()};
  for (const wire::DrainResponse::Laggard& laggard : response.laggards()) {
    report.laggards.push_back({laggard.subscriber_id(), laggard.peer(), laggard.gone()});
  }
  return report;
}

absl::Status ErrorOf(const wire::RegisterAllResponse::Result& result) { return ToldError(result); }

absl::Status ErrorOf(const wire::SessionResponse::InstanceState& state) { return ToldError(state); }

}  // namespace scoutlight::client

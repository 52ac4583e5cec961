#include "server/discovery/instance_conversion.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "discovery/system_records.h"
#include "discovery/url.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;

constexpr absl::string_view kDefaultCluster = "default";
// Of an instance's message: what is not text, and each text's tag and length.
constexpr size_t kInstanceFixedBytes = 256;
constexpr size_t kTextFixedBytes = 16;

void CheckName(const std::string& fault, absl::string_view field, Violations* violations) {
  if (!fault.empty()) violations->Add(Reason::kInvalidField, field, fault);
}

// Status and health have the numbers of the wire.
static_assert(static_cast<int>(discovery::Status::kUp) == wire::INSTANCE_STATUS_UP);
static_assert(static_cast<int>(discovery::Status::kDraining) == wire::INSTANCE_STATUS_DRAINING);
static_assert(static_cast<int>(discovery::Status::kOwnerLost) == wire::INSTANCE_STATUS_OWNER_LOST);
static_assert(static_cast<int>(discovery::Health::kPassing) == wire::INSTANCE_HEALTH_PASSING);
static_assert(static_cast<int>(discovery::Health::kWarning) == wire::INSTANCE_HEALTH_WARNING);
static_assert(static_cast<int>(discovery::Health::kCritical) == wire::INSTANCE_HEALTH_CRITICAL);

void FillSoft(const discovery::SoftValues& soft, wire::SoftValues* out) {
  if (soft.load.has_value()) out->set_load(*soft.load);
  if (soft.reliability.has_value()) out->set_reliability(*soft.reliability);
  for (const auto& [name, count] : soft.counters) (*out->mutable_counters())[name] = count;
}

}  // namespace

std::string ReadCluster(absl::string_view cluster, Violations* violations) {
  if (cluster.empty()) return std::string(kDefaultCluster);
  CheckName(discovery::ClusterFault(cluster), "cluster", violations);
  return std::string(cluster);
}

std::string ReadService(absl::string_view service, Violations* violations) {
  CheckName(discovery::ServiceFault(service), "service", violations);
  return std::string(service);
}

discovery::InstanceName ReadInstanceName(const wire::InstanceName& name, Violations* violations) {
  discovery::InstanceName read{ReadCluster(name.cluster(), violations), ReadService(name.service(), violations), name.id()};
  CheckName(discovery::InstanceIdFault(name.id()), "id", violations);
  return read;
}

void FillTime(absl::Time time, google::protobuf::Timestamp* out) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

void FillEndpoint(const discovery::Endpoint& endpoint, wire::Endpoint* out) {
  out->set_name(endpoint.name);
  if (!endpoint.url.scheme.empty()) out->set_url(discovery::UrlText(endpoint.url));
  out->set_protocol(endpoint.url.scheme);
  out->set_host(endpoint.url.host);
  out->set_port(endpoint.url.port);
}

void FillOverride(const discovery::Override& override, wire::Override* out) {
  out->set_reason(override.reason);
  out->set_author(override.author);
  if (override.created_at != absl::InfinitePast()) FillTime(override.created_at, out->mutable_created_at());
  if (override.expires_at.has_value()) FillTime(*override.expires_at, out->mutable_expires_at());
}

void FillInstance(const discovery::Instance& instance, wire::Instance* out) {
  out->set_cluster(instance.name.cluster);
  out->set_service(instance.name.service);
  out->set_id(instance.name.id);
  for (const auto& [name, value] : instance.properties) (*out->mutable_properties())[name] = value;
  out->set_status(static_cast<wire::InstanceStatus>(instance.status));
  out->set_health(static_cast<wire::InstanceHealth>(instance.health));
  if (instance.held_until.has_value()) FillTime(*instance.held_until, out->mutable_held_until());
  for (const discovery::Problem& problem : instance.problems) {
    wire::Problem* const told = out->add_problems();
    told->set_property(problem.property);
    told->set_message(problem.message);
  }
  out->set_lease_id(instance.lease_id);
  out->set_epoch(instance.epoch);
  out->set_create_revision(instance.create_revision);
  out->set_mod_revision(instance.mod_revision);
  if (instance.registered_at != absl::InfinitePast()) FillTime(instance.registered_at, out->mutable_registered_at());
  if (instance.override.has_value()) FillOverride(*instance.override, out->mutable_override());
  out->set_resolvable(instance.resolvable());
  for (const discovery::Endpoint& endpoint : discovery::ReadEndpoints(instance.properties).endpoints) {
    FillEndpoint(endpoint, out->add_endpoints());
  }
  if (!(instance.soft == discovery::SoftValues())) FillSoft(instance.soft, out->mutable_soft());
}

size_t InstanceBytes(const discovery::Instance& instance) {
  size_t bytes = kInstanceFixedBytes + instance.name.cluster.size() + instance.name.service.size() + instance.name.id.size();
  // Endpoints repeat what their properties say, a protocol up to three times.
  for (const auto& [name, value] : instance.properties) bytes += 4 * (name.size() + value.size() + kTextFixedBytes);
  for (const discovery::Problem& problem : instance.problems) bytes += problem.property.size() + problem.message.size() + kTextFixedBytes;
  for (const auto& [name, count] : instance.soft.counters) bytes += name.size() + kTextFixedBytes;
  if (instance.override.has_value()) bytes += instance.override->reason.size() + instance.override->author.size() + kInstanceFixedBytes;
  return bytes;
}

KeyRange RangeOf(const discovery::InstanceName& name) { return {discovery::InstanceRecordKey(name), Scope::kKey}; }

KeyRange RangeOf(const discovery::ServiceName& name) {
  return {discovery::InstanceRecordKey({name.cluster, name.service, "-"}).Parent(), Scope::kSubtree};
}

absl::Status InstanceNotFound(const discovery::InstanceName& name) {
  ErrorDetails details;
  details.reason = Reason::kInstanceNotFound;
  details.resource = absl::StrCat(name.cluster, "/", name.service, "/", name.id);
  return MakeError(absl::StatusCode::kNotFound,
                   absl::StrCat("there is no instance ", name.id, " of service ", name.service, " in cluster ", name.cluster), details);
}

absl::Status CatalogLoading() {
  ErrorDetails details;
  details.reason = Reason::kCatalogLoading;
  details.retry_after = absl::Milliseconds(200);
  return MakeError(absl::StatusCode::kUnavailable, "the server has just started and reads the instances", details);
}

}  // namespace scoutlight::server

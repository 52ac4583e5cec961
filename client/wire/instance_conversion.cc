#include "client/wire/instance_conversion.h"

#include <cstdint>

namespace scoutlight::client {
namespace {

namespace wire = discovery::v1;

discovery::Status ReadStatus(const wire::Instance& message) {
  switch (message.status()) {
    case wire::INSTANCE_STATUS_UP:
      return discovery::Status::kUp;
    case wire::INSTANCE_STATUS_DRAINING:
      return discovery::Status::kDraining;
    case wire::INSTANCE_STATUS_OWNER_LOST:
      return discovery::Status::kOwnerLost;
    default:
      return message.resolvable() ? discovery::Status::kUp : discovery::Status::kDraining;
  }
}

discovery::Health ReadHealth(const wire::Instance& message) {
  switch (message.health()) {
    case wire::INSTANCE_HEALTH_PASSING:
      return discovery::Health::kPassing;
    case wire::INSTANCE_HEALTH_WARNING:
      return discovery::Health::kWarning;
    case wire::INSTANCE_HEALTH_CRITICAL:
      return discovery::Health::kCritical;
    default:
      return message.resolvable() ? discovery::Health::kPassing : discovery::Health::kCritical;
  }
}

wire::InstanceStatus WireStatus(discovery::Status status) {
  switch (status) {
    case discovery::Status::kUp:
      return wire::INSTANCE_STATUS_UP;
    case discovery::Status::kDraining:
      return wire::INSTANCE_STATUS_DRAINING;
    case discovery::Status::kOwnerLost:
      return wire::INSTANCE_STATUS_OWNER_LOST;
  }
  return wire::INSTANCE_STATUS_UNSPECIFIED;
}

wire::InstanceHealth WireHealth(discovery::Health health) {
  switch (health) {
    case discovery::Health::kPassing:
      return wire::INSTANCE_HEALTH_PASSING;
    case discovery::Health::kWarning:
      return wire::INSTANCE_HEALTH_WARNING;
    case discovery::Health::kCritical:
      return wire::INSTANCE_HEALTH_CRITICAL;
  }
  return wire::INSTANCE_HEALTH_UNSPECIFIED;
}

discovery::Override ReadOverride(const wire::Override& message) {
  discovery::Override read{.reason = message.reason(), .author = message.author()};
  if (message.has_created_at()) read.created_at = ReadTime(message.created_at());
  if (message.has_expires_at()) read.expires_at = ReadTime(message.expires_at());
  return read;
}

void FillOverride(const discovery::Override& override, wire::Override* out) {
  out->set_reason(override.reason);
  out->set_author(override.author);
  if (override.created_at != absl::InfinitePast()) FillTime(override.created_at, out->mutable_created_at());
  if (override.expires_at.has_value()) FillTime(*override.expires_at, out->mutable_expires_at());
}

discovery::SoftValues ReadSoft(const wire::SoftValues& message) {
  discovery::SoftValues read;
  if (message.has_load()) read.load = message.load();
  if (message.has_reliability()) read.reliability = message.reliability();
  for (const auto& [name, count] : message.counters()) read.counters[name] = count;
  return read;
}

void FillSoft(const discovery::SoftValues& soft, wire::SoftValues* out) {
  if (soft.load.has_value()) out->set_load(*soft.load);
  if (soft.reliability.has_value()) out->set_reliability(*soft.reliability);
  for (const auto& [name, count] : soft.counters) (*out->mutable_counters())[name] = count;
}

}  // namespace

absl::Time ReadTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

void FillTime(absl::Time time, google::protobuf::Timestamp* out) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

discovery::Instance ReadInstance(const wire::Instance& message) {
  discovery::Instance instance;
  instance.name = {message.cluster(), message.service(), message.id()};
  for (const auto& [name, value] : message.properties()) instance.properties[name] = value;
  instance.status = ReadStatus(message);
  instance.health = ReadHealth(message);
  for (const wire::Problem& problem : message.problems()) instance.problems.push_back({problem.property(), problem.message()});
  instance.lease_id = message.lease_id();
  instance.epoch = message.epoch();
  instance.create_revision = message.create_revision();
  instance.mod_revision = message.mod_revision();
  if (message.has_registered_at()) instance.registered_at = ReadTime(message.registered_at());
  if (message.has_held_until()) instance.held_until = ReadTime(message.held_until());
  if (message.has_soft()) instance.soft = ReadSoft(message.soft());
  if (message.has_override()) instance.override = ReadOverride(message.override());
  instance.valid = instance.resolvable() ? message.resolvable() : instance.problems.empty();
  return instance;
}

void FillInstance(const discovery::Instance& instance, wire::Instance* out) {
  out->set_cluster(instance.name.cluster);
  out->set_service(instance.name.service);
  out->set_id(instance.name.id);
  for (const auto& [name, value] : instance.properties) (*out->mutable_properties())[name] = value;
  out->set_status(WireStatus(instance.status));
  out->set_health(WireHealth(instance.health));
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
  if (!(instance.soft == discovery::SoftValues())) FillSoft(instance.soft, out->mutable_soft());
}

}  // namespace scoutlight::client

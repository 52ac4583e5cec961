#include "client/wire/instance_conversion.h"

#include "client/wire/time_conversion.h"

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

// Status and health have the numbers of the wire.
static_assert(static_cast<int>(discovery::Status::kUp) == wire::INSTANCE_STATUS_UP);
static_assert(static_cast<int>(discovery::Status::kDraining) == wire::INSTANCE_STATUS_DRAINING);
static_assert(static_cast<int>(discovery::Status::kOwnerLost) == wire::INSTANCE_STATUS_OWNER_LOST);
static_assert(static_cast<int>(discovery::Health::kPassing) == wire::INSTANCE_HEALTH_PASSING);
static_assert(static_cast<int>(discovery::Health::kWarning) == wire::INSTANCE_HEALTH_WARNING);
static_assert(static_cast<int>(discovery::Health::kCritical) == wire::INSTANCE_HEALTH_CRITICAL);

void FillOverride(const discovery::Override& override, wire::Override* out) {
  out->set_reason(override.reason);
  out->set_author(override.author);
  if (override.created_at != absl::InfinitePast()) *out->mutable_created_at() = WireTime(override.created_at);
  if (override.expires_at.has_value()) *out->mutable_expires_at() = WireTime(*override.expires_at);
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

discovery::Override OverrideOf(const wire::Override& message) {
  discovery::Override read{.reason = message.reason(), .author = message.author()};
  if (message.has_created_at()) read.created_at = TimeOf(message.created_at());
  if (message.has_expires_at()) read.expires_at = TimeOf(message.expires_at());
  return read;
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
  if (message.has_registered_at()) instance.registered_at = TimeOf(message.registered_at());
  if (message.has_held_until()) instance.held_until = TimeOf(message.held_until());
  if (message.has_soft()) instance.soft = ReadSoft(message.soft());
  if (message.has_override()) instance.override = OverrideOf(message.override());
  instance.valid = instance.resolvable() ? message.resolvable() : instance.problems.empty();
  return instance;
}

void FillInstance(const discovery::Instance& instance, wire::Instance* out) {
  out->set_cluster(instance.name.cluster);
  out->set_service(instance.name.service);
  out->set_id(instance.name.id);
  for (const auto& [name, value] : instance.properties) (*out->mutable_properties())[name] = value;
  out->set_status(static_cast<wire::InstanceStatus>(instance.status));
  out->set_health(static_cast<wire::InstanceHealth>(instance.health));
  if (instance.held_until.has_value()) *out->mutable_held_until() = WireTime(*instance.held_until);
  for (const discovery::Problem& problem : instance.problems) {
    wire::Problem* const told = out->add_problems();
    told->set_property(problem.property);
    told->set_message(problem.message);
  }
  out->set_lease_id(instance.lease_id);
  out->set_epoch(instance.epoch);
  out->set_create_revision(instance.create_revision);
  out->set_mod_revision(instance.mod_revision);
  if (instance.registered_at != absl::InfinitePast()) *out->mutable_registered_at() = WireTime(instance.registered_at);
  if (instance.override.has_value()) FillOverride(*instance.override, out->mutable_override());
  out->set_resolvable(instance.resolvable());
  if (!(instance.soft == discovery::SoftValues())) FillSoft(instance.soft, out->mutable_soft());
}

}  // namespace scoutlight::client

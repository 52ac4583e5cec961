#include "bench/discovery_wire.h"

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "scoutlight/discovery/v1/registration.pb.h"

namespace scoutlight::bench {
namespace {

namespace wire = discovery::v1;

constexpr size_t kStampBytes = 20;
constexpr int64_t kLeaseSeconds = 3600;
constexpr int64_t kHeartbeatSeconds = 3600;
// Of an instance's properties alone, their names and values.
constexpr size_t kPropertiesBytesMin = 80;

grpc::ByteBuffer Serialized(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

std::string IdOf(const Fleet& fleet, int instance) { return absl::StrFormat("%012x", instance % fleet.instances_per_service); }

std::string ServiceOfInstance(const Fleet& fleet, int instance) { return ServiceOf(fleet, instance / fleet.instances_per_service); }

void FillRegistration(const Fleet& fleet, int instance, wire::RegisterRequest* request) {
  wire::Registration& registration = *request->mutable_instance();
  registration.set_service(ServiceOfInstance(fleet, instance));
  registration.set_id(IdOf(fleet, instance));
  auto& properties = *registration.mutable_properties();
  properties["hostname"] = absl::StrFormat("10.%d.%d.%d", instance >> 16 & 0xff, instance >> 8 & 0xff, instance & 0xff);
  properties["port"] = "8443";
  properties["protocol"] = "https";
  properties["zone"] = absl::StrCat("zone-", instance % 3);
  properties["weight"] = "1";
  properties["version"] = std::string(kStampBytes, '0');
  request->mutable_ttl()->set_seconds(kLeaseSeconds);
}

}  // namespace

const char kRegisterMethod[] = "/scoutlight.discovery.v1.RegistrationService/Register";
const char kRegisterAllMethod[] = "/scoutlight.discovery.v1.RegistrationService/RegisterAll";
const char kUpdateMethod[] = "/scoutlight.discovery.v1.RegistrationService/Update";
const char kResolveMethod[] = "/scoutlight.discovery.v1.DiscoveryService/Resolve";
const char kWatchInstancesMethod[] = "/scoutlight.discovery.v1.DiscoveryService/Watch";

std::string ServiceOf(const Fleet& fleet, int service) { return absl::StrFormat("%s-%05d", fleet.prefix, service); }

grpc::ByteBuffer RegisterBytes(const Fleet& fleet, int instance) {
  wire::RegisterRequest request;
  FillRegistration(fleet, instance, &request);
  return Serialized(request);
}

grpc::ByteBuffer RegisterAllBytes(const Fleet& fleet, int first) {
  wire::RegisterAllRequest request;
  const int end = std::min(first + kRegistrationsPerCall, fleet.instances());
  for (int instance = first; instance < end; ++instance) FillRegistration(fleet, instance, request.add_registrations());
  return Serialized(request);
}

grpc::ByteBuffer ResolveBytes(const std::string& service) {
  wire::ResolveRequest request;
  request.set_service(service);
  request.set_strategy(wire::STRATEGY_ROUND_ROBIN);
  return Serialized(request);
}

grpc::ByteBuffer WatchInstancesBytes(const std::string& service) {
  wire::WatchRequest request;
  request.set_service(service);
  request.mutable_heartbeat()->set_seconds(kHeartbeatSeconds);
  return Serialized(request);
}

grpc::ByteBuffer StampedUpdateBytes(const Fleet& fleet, int instance, absl::Duration sent) {
  wire::UpdateRequest request;
  request.mutable_name()->set_service(ServiceOfInstance(fleet, instance));
  request.mutable_name()->set_id(IdOf(fleet, instance));
  (*request.mutable_set_properties())["version"] = absl::StrFormat("%0*d", kStampBytes, absl::ToInt64Nanoseconds(sent));
  return Serialized(request);
}

size_t AnswerBytesMin(int instances) { return static_cast<size_t>(instances) * kPropertiesBytesMin; }

absl::StatusOr<absl::Duration> StampOf(const std::string& version) {
  int64_t ns = 0;
  if (version.size() != kStampBytes || !absl::SimpleAtoi(version, &ns) || ns <= 0) {
    return absl::InternalError("an instance whose version is no time");
  }
  return absl::Nanoseconds(ns);
}

}  // namespace scoutlight::bench

#ifndef SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_CONVERSION_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_CONVERSION_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/key.h"
#include "discovery/endpoint.h"
#include "discovery/instance.h"
#include "google/protobuf/timestamp.pb.h"
#include "scoutlight/discovery/v1/instance.pb.h"
#include "server/violations.h"

namespace scoutlight::server {

// What discovery's messages have in common, between the wire and the domain. What breaks a rule is added to `violations`.

// "default" for an empty text.
std::string ReadCluster(absl::string_view cluster, Violations* violations);
std::string ReadService(absl::string_view service, Violations* violations);
discovery::InstanceName ReadInstanceName(const discovery::v1::InstanceName& name, Violations* violations);

void FillTime(absl::Time time, google::protobuf::Timestamp* out);

void FillInstance(const discovery::Instance& instance, discovery::v1::Instance* out);
void FillEndpoint(const discovery::Endpoint& endpoint, discovery::v1::Endpoint* out);
void FillOverride(const discovery::Override& override, discovery::v1::Override* out);

// What an instance counts for in bounds of bytes, at least what its message takes.
size_t InstanceBytes(const discovery::Instance& instance);

// For authorization, discovery's names stand where their records do.
KeyRange RangeOf(const discovery::InstanceName& name);
KeyRange RangeOf(const discovery::ServiceName& name);

// NOT_FOUND and the like, with their reasons.
absl::Status InstanceNotFound(const discovery::InstanceName& name);
absl::Status CatalogLoading();

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_CONVERSION_H_

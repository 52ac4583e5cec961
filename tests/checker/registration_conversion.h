#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_CONVERSION_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_CONVERSION_H_

#include <grpcpp/support/status.h>

#include <string>

#include "scoutlight/discovery/v1/discovery.pb.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "tests/checker/registration_history.h"

// Messages of discovery as a RegistrationHistory has them. Clients and times are the caller's.
namespace scoutlight::checker {

// An empty cluster is "default".
std::string ClusterOf(const std::string& cluster);

// Of an InstanceName, a Registration, an Instance.
template <typename Message>
discovery::InstanceName NameOf(const Message& message) {
  return {ClusterOf(message.cluster()), message.service(), message.id()};
}
// Of a request that names a service, or SubscribeRequest.Service.
template <typename Message>
discovery::ServiceName ServiceOf(const Message& message) {
  return {ClusterOf(message.cluster()), message.service()};
}

ShownInstance ShownOf(const discovery::v1::Instance& instance);
InstanceFrame FrameOf(const discovery::v1::WatchResponse& response);

// A call with its answer. With an answer that leaves open what has happened it is Outcome::kUnknown.
RegistrationCall FactOf(const discovery::v1::RegisterRequest& request, const grpc::Status& status,
                        const discovery::v1::RegisterResponse& response);
RegistrationCall FactOf(const discovery::v1::UpdateRequest& request, const grpc::Status& status,
                        const discovery::v1::UpdateResponse& response);
RegistrationCall FactOf(const discovery::v1::DeregisterRequest& request, const grpc::Status& status,
                        const discovery::v1::DeregisterResponse& response);
RegistrationCall FactOf(const discovery::v1::DrainRequest& request, const grpc::Status& status,
                        const discovery::v1::DrainResponse& response);
// NOT_FOUND of GetInstance, and of Resolve that nobody takes work, is an answer that shows nobody.
DiscoveryRead FactOf(const discovery::v1::GetInstanceRequest& request, const grpc::Status& status,
                     const discovery::v1::GetInstanceResponse& response);
DiscoveryRead FactOf(const discovery::v1::ListInstancesRequest& request, const grpc::Status& status,
                     const discovery::v1::ListInstancesResponse& response);
DiscoveryRead FactOf(const discovery::v1::ResolveRequest& request, const grpc::Status& status,
                     const discovery::v1::ResolveResponse& response);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_CONVERSION_H_

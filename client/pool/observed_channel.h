#ifndef SCOUTLIGHT_CLIENT_POOL_OBSERVED_CHANNEL_H_
#define SCOUTLIGHT_CLIENT_POOL_OBSERVED_CHANNEL_H_

#include <functional>
#include <memory>
#include <string>

#include <grpcpp/channel.h>

#include "absl/status/status.h"
#include "client/locator/instance_calls.h"
#include "client/service_pool_options.h"
#include "discovery/endpoint.h"

namespace scoutlight::client {

using Judge = std::function<Judgement(const grpc::Status&)>;

// A channel to `endpoint` whose calls are told to `calls`: in flight from when they begin until their status is there, or their
// ClientContext goes. kFailedPrecondition, NONE_MATCHES: the endpoint has no port, or a scheme that is not gRPC's. Does not connect, and
// does not wait. Thread-safe.
absl::StatusOr<std::shared_ptr<grpc::Channel>> ObservedChannel(const discovery::Endpoint& endpoint, InstanceCalls calls,
                                                               const ServicePoolOptions& options);

// A channel whose calls, of every kind, end with the code and message of `status`. `status` is an error.
std::shared_ptr<grpc::Channel> RefusingChannel(const absl::Status& status);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_POOL_OBSERVED_CHANNEL_H_

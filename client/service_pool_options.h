#ifndef SCOUTLIGHT_CLIENT_SERVICE_POOL_OPTIONS_H_
#define SCOUTLIGHT_CLIENT_SERVICE_POOL_OPTIONS_H_

#include <functional>
#include <memory>

#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/status.h>

#include "client/resolve_options.h"

namespace scoutlight {

// What the status of a call says of the instance that was called.
enum class Judgement {
  kWell,     // It answered, be it that the caller asked for something wrong.
  kAtFault,  // As Call::Failed().
  kNothing,  // The caller gave the call up.
};

// At fault: UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL, UNKNOWN, DATA_LOSS, RESOURCE_EXHAUSTED, what Envoy's "Outlier detection" takes for a
// server's error when it is told by gRPC. Nothing: CANCELLED. Thread-safe.
Judgement JudgeStatus(const grpc::Status& status);

struct ServicePoolOptions {
  // Who takes part, and how one is picked. Its endpoint, by name or by scheme, is where calls go: scheme grpc, http or none in plain text,
  // grpcs and https over TLS; it must have a port, and what its URL has behind that is not looked at.
  ResolveOptions resolve = {.endpoint = "grpc"};
  // Of all channels, whatever the scheme. Null: as the scheme says, TLS with the roots that gRPC finds by default.
  std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr;
  // Of all channels.
  grpc::ChannelArguments arguments = {};
  // Called in the thread in which gRPC tells the call's status, for many calls at a time.
  std::function<Judgement(const grpc::Status&)> judge = JudgeStatus;
  // Channels that are kept for picks to come: 1 to 100,000. Of more instances those picked longest ago lose theirs, to be connected anew
  // when they are picked again: a service that is much larger wants a subset (discovery::StrategyOptions).
  int channels_max = 1'000;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_SERVICE_POOL_OPTIONS_H_

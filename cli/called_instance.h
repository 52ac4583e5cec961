#ifndef SCOUTLIGHT_CLI_CALLED_INSTANCE_H_
#define SCOUTLIGHT_CLI_CALLED_INSTANCE_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/instance_choice.h"
#include "client/locator.h"

namespace scoutlight::cli {

// An instance that is called by gRPC, and a way to it.
struct CalledInstance {
  std::string id;
  std::shared_ptr<grpc::Channel> channel;
};

// One of `service`, as `choice` says. If that names no endpoint, the one that is called is grpc, else grpcs, else whatever the instance
// has; with files of TLS it is grpcs, else grpc, else the same, and TLS is spoken to it. Errors: those of a pick; kInvalidArgument:
// `choice` is wrong. Blocks; thread-safe.
absl::StatusOr<CalledInstance> PickInstance(const std::string& service, const InstanceChoice& choice, Locator* locator);

// The same error, as the instance's own, not the registry's.
absl::Status OfInstance(const CalledInstance& instance, const absl::Status& failed);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_CALLED_INSTANCE_H_

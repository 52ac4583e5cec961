#ifndef SCOUTLIGHT_CLI_CALLED_METHOD_H_
#define SCOUTLIGHT_CLI_CALLED_METHOD_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/server_reflection.h"
#include "google/protobuf/descriptor.h"

namespace scoutlight::cli {

// What `call` is to call: SERVICE/package.Service/Method, or SERVICE/Method.
struct CalledMethod {
  std::string service;       // As it is registered.
  std::string grpc_service;  // Empty: the one that has the method.
  std::string method;
};

// kInvalidArgument: it has neither form. Thread-safe.
absl::StatusOr<CalledMethod> ParseCalledMethod(absl::string_view text);

// The method, never null, valid as long as `reflection`. kNotFound: it is not there, what was probably meant, and what is.
// kInvalidArgument: several services have it. Else as ServerReflection says.
absl::StatusOr<const google::protobuf::MethodDescriptor*> FindMethod(const CalledMethod& called, ServerReflection* reflection);

// What may follow in a line of `call`: the methods of `called.grpc_service`, or, if that is empty, the names of all gRPC services of the
// instance with a slash behind, and the methods that only one of them has by the short form. Without those that take a stream of requests,
// and without what cannot be told.
std::vector<std::string> CallableMethods(const CalledMethod& called, ServerReflection* reflection);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_CALLED_METHOD_H_

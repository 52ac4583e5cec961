#ifndef SCOUTLIGHT_CLI_GRPC_CALLING_H_
#define SCOUTLIGHT_CLI_GRPC_CALLING_H_

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/called_method.h"
#include "cli/instance_choice.h"
#include "cli/sent_data.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// What was typed of a call.
struct TypedCall {
  CalledMethod called;
  std::vector<NamedText> metadata;
  std::string json;
  bool verbose = false;
};

// `call`.
class GrpcCalling {
 public:
  // As KvReading.
  GrpcCalling(CLI::App* app, Verb* chosen);

 private:
  absl::StatusOr<TypedCall> Typed() const;
  absl::Status Run(const Call& call) const;

  std::string method_;
  SentData data_;
  InstanceChoice choice_;
  bool verbose_ = false;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_GRPC_CALLING_H_

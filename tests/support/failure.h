#ifndef SCOUTLIGHT_TESTS_SUPPORT_FAILURE_H_
#define SCOUTLIGHT_TESTS_SUPPORT_FAILURE_H_

#include <grpcpp/support/status.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace scoutlight::testing {

// An error as a caller sees it: the status with its google.rpc details taken apart.
struct Failure {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string message;
  int error_infos = 0;  // Exactly one belongs to every error of ours.
  std::string reason;
  std::string domain;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> fields;  // Violated, in order.
  std::vector<std::string> descriptions;
  std::optional<absl::Duration> retry_delay;
  std::string resource_type;
  std::string resource_name;
};

// Fails the test when the details cannot be read, or say another code or message than the status.
Failure FailureOf(const grpc::Status& status);

// Checks what every error of ours is: `code`, one ErrorInfo with `reason` and our domain, a message, `fields` violated (all and in this
// order), and revision and store_id with the codes that speak of a state. Fails the test otherwise.
void ExpectFailure(const grpc::Status& status, grpc::StatusCode code, const std::string& reason,
                   const std::vector<std::string>& fields = {});

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_FAILURE_H_

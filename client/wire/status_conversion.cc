#include "client/wire/status_conversion.h"

#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace scoutlight::client {
namespace {

// Above all numbers of reasons.
constexpr int kReasonsMax = 256;

std::optional<ErrorDetails> DetailsIn(const std::string& bytes) {
  google::rpc::Status rich;
  if (bytes.empty() || !rich.ParseFromString(bytes)) return std::nullopt;
  ErrorDetails details;
  bool has_info = false;
  for (const google::protobuf::Any& any : rich.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    google::rpc::RetryInfo retry;
    google::rpc::ResourceInfo resource;
    if (any.UnpackTo(&info)) {
      has_info = true;
      details.reason = ReasonOfName(info.reason());
      for (const auto& [name, value] : info.metadata()) details.metadata.emplace_back(name, value);
    } else if (any.UnpackTo(&bad)) {
      for (const auto& violation : bad.field_violations()) details.violations.push_back({violation.field(), violation.description()});
    } else if (any.UnpackTo(&retry)) {
      details.retry_after = DurationOf(retry.retry_delay());
    } else if (any.UnpackTo(&resource)) {
      details.resource = resource.resource_name();
    }
  }
  if (!has_info) return std::nullopt;
  return details;
}

bool MeansCutConnection(grpc::StatusCode code) {
  return code == grpc::StatusCode::CANCELLED || code == grpc::StatusCode::UNKNOWN || code == grpc::StatusCode::INTERNAL;
}

}  // namespace

absl::Status StatusOf(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::optional<ErrorDetails> details = DetailsIn(status.error_details());
  // absl and gRPC share the numbers of the canonical codes.
  if (details.has_value()) return MakeError(static_cast<absl::StatusCode>(status.error_code()), status.error_message(), *details);
  if (!MeansCutConnection(status.error_code())) {
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  }
  return absl::UnavailableError(absl::StrCat("the call was cut off: ", status.error_message()));
}

Reason ReasonOfName(absl::string_view name) {
  for (int number = 1; number < kReasonsMax; ++number) {
    if (ReasonName(static_cast<Reason>(number)) == name) return static_cast<Reason>(number);
  }
  return Reason::kUnspecified;
}

ErrorState StateOf(const absl::Status& status) {
  ErrorState state;
  const std::optional<ErrorDetails> details = DetailsOf(status);
  if (!details.has_value()) return state;
  for (const auto& [name, value] : details->metadata) {
    if (name == "store_id") state.store_id = value;
    // What is no number stays 0: it names no state.
    if (name == "revision" && !absl::SimpleAtoi(value, &state.revision)) state.revision = 0;
    if (name == "oldest_revision" && !absl::SimpleAtoi(value, &state.oldest_revision)) state.oldest_revision = 0;
  }
  return state;
}

}  // namespace scoutlight::client

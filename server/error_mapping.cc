#include "server/error_mapping.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "base/limits.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/clean_text.h"
#include "server/error_reason.h"

namespace scoutlight::server {
namespace {

constexpr absl::string_view kDomain = "scoutlight";

bool CarriesState(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kOutOfRange:
      return true;
    default:
      return false;
  }
}

google::rpc::ErrorInfo ErrorInfoOf(absl::StatusCode code, const ErrorDetails& details, const ShownState& state) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(ReasonName(details.reason)));
  info.set_domain(std::string(kDomain));
  auto& metadata = *info.mutable_metadata();
  for (const auto& [name, value] : details.metadata) metadata[name] = CleanText(value, limits::kErrorMessageBytesMax);
  if (!CarriesState(code)) return info;
  if (state.revision != 0) metadata["revision"] = absl::StrCat(state.revision);
  if (!state.store_id.empty()) metadata["store_id"] = state.store_id;
  if (code == absl::StatusCode::kOutOfRange && state.oldest_revision != 0) {
    metadata["oldest_revision"] = absl::StrCat(state.oldest_revision);
  }
  return info;
}

// As many violations as fit. Returns how many do not.
size_t FillBadRequest(const ErrorDetails& details, google::rpc::BadRequest* bad) {
  size_t bytes = 0;
  for (size_t i = 0; i < details.violations.size(); ++i) {
    const FieldViolation& violation = details.violations[i];
    const std::string description = CleanText(violation.description, limits::kErrorMessageBytesMax);
    bytes += violation.field.size() + description.size();
    if (bytes > limits::kErrorViolationsBytesMax) return details.violations.size() - i;
    auto* field = bad->add_field_violations();
    field->set_field(violation.field);
    field->set_description(description);
  }
  return 0;
}

google::rpc::RetryInfo RetryInfoOf(absl::Duration retry_after) {
  google::rpc::RetryInfo retry;
  const int64_t seconds = absl::IDivDuration(retry_after, absl::Seconds(1), &retry_after);
  retry.mutable_retry_delay()->set_seconds(seconds);
  retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(retry_after)));
  return retry;
}

// What a reason of discovery is about; other reasons are about keys.
const char* DiscoveryType(Reason reason) {
  switch (reason) {
    case Reason::kInstanceNotFound:
    case Reason::kInstanceOwned:
    case Reason::kFenced:
    case Reason::kContended:
    case Reason::kNotRegistered:
    case Reason::kDiscoveryOff:
      return "instance";
    case Reason::kServiceNotFound:
    case Reason::kNoneResolvable:
    case Reason::kNoneMatches:
      return "service";
    case Reason::kSchemaNotFound:
    case Reason::kSchemaBreaks:
    case Reason::kSchemaInUse:
    case Reason::kSchemaShipped:
      return "schema";
    default:
      return "key";
  }
}

google::rpc::ResourceInfo ResourceInfoOf(const ErrorDetails& details) {
  const bool is_lease = details.reason == Reason::kLeaseNotFound || details.reason == Reason::kLeaseExists ||
                        details.reason == Reason::kLeaseKeysFull || details.reason == Reason::kLeasesFull;
  google::rpc::ResourceInfo resource;
  resource.set_resource_type(is_lease ? "lease" : DiscoveryType(details.reason));
  resource.set_resource_name(details.resource);
  return resource;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status, const ShownState& state) {
  ErrorDetails details = DetailsOf(status).value_or(ErrorDetails());
  details.reason = ReasonShown(status);
  details.retry_after = RetryAfter(status);

  // absl and gRPC share the numbers of the canonical codes.
  const auto code = static_cast<grpc::StatusCode>(status.code());
  google::rpc::Status rich;
  rich.set_code(code);
  rich.set_message(CleanText(status.message(), limits::kErrorMessageBytesMax));
  google::rpc::BadRequest bad;
  const size_t omitted = FillBadRequest(details, &bad);
  if (omitted > 0) details.metadata.emplace_back("violations_omitted", absl::StrCat(omitted));
  rich.add_details()->PackFrom(ErrorInfoOf(status.code(), details, state));
  if (bad.field_violations_size() > 0) rich.add_details()->PackFrom(bad);
  if (details.retry_after > absl::ZeroDuration()) rich.add_details()->PackFrom(RetryInfoOf(details.retry_after));
  if (!details.resource.empty()) rich.add_details()->PackFrom(ResourceInfoOf(details));
  return grpc::Status(code, rich.message(), rich.SerializeAsString());
}

}  // namespace scoutlight::server

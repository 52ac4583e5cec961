#include "tests/support/failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace scoutlight::testing {
namespace {

using ::testing::ElementsAreArray;
using ::testing::Not;

void Take(const google::rpc::BadRequest& bad, Failure* failure) {
  for (const auto& violation : bad.field_violations()) {
    failure->fields.push_back(violation.field());
    failure->descriptions.push_back(violation.description());
  }
}

void Take(const google::rpc::ErrorInfo& info, Failure* failure) {
  ++failure->error_infos;
  failure->reason = info.reason();
  failure->domain = info.domain();
  failure->metadata.insert(info.metadata().begin(), info.metadata().end());
}

bool SpeaksOfAState(grpc::StatusCode code) {
  return code == grpc::StatusCode::NOT_FOUND || code == grpc::StatusCode::ALREADY_EXISTS || code == grpc::StatusCode::FAILED_PRECONDITION ||
         code == grpc::StatusCode::ABORTED || code == grpc::StatusCode::OUT_OF_RANGE;
}

}  // namespace

Failure FailureOf(const grpc::Status& status) {
  Failure failure;
  failure.code = status.error_code();
  failure.message = status.error_message();
  if (status.error_details().empty()) return failure;
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  EXPECT_EQ(rich.code(), status.error_code());
  EXPECT_EQ(rich.message(), status.error_message());
  for (const auto& detail : rich.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    google::rpc::RetryInfo retry;
    google::rpc::ResourceInfo resource;
    if (detail.UnpackTo(&info)) Take(info, &failure);
    if (detail.UnpackTo(&bad)) Take(bad, &failure);
    if (detail.UnpackTo(&retry)) {
      failure.retry_delay = absl::Seconds(retry.retry_delay().seconds()) + absl::Nanoseconds(retry.retry_delay().nanos());
    }
    if (detail.UnpackTo(&resource)) {
      failure.resource_type = resource.resource_type();
      failure.resource_name = resource.resource_name();
    }
  }
  return failure;
}

void ExpectFailure(const grpc::Status& status, grpc::StatusCode code, const std::string& reason, const std::vector<std::string>& fields) {
  const Failure failure = FailureOf(status);
  EXPECT_EQ(failure.code, code) << failure.message;
  EXPECT_EQ(failure.error_infos, 1);
  EXPECT_EQ(failure.reason, reason);
  EXPECT_EQ(failure.domain, "scoutlight");
  EXPECT_NE(failure.message, "");
  EXPECT_THAT(failure.fields, ElementsAreArray(fields)) << failure.message;
  EXPECT_THAT(failure.descriptions, Not(::testing::Contains("")));
  if (!SpeaksOfAState(code)) return;
  EXPECT_TRUE(failure.metadata.contains("revision")) << failure.message;
  EXPECT_TRUE(failure.metadata.contains("store_id")) << failure.message;
}

}  // namespace scoutlight::testing

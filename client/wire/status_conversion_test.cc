#include "client/wire/status_conversion.h"

#include <gtest/gtest.h>

#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace scoutlight::client {
namespace {

grpc::Status Rich(grpc::StatusCode code) {
  google::rpc::Status rich;
  google::rpc::ErrorInfo info;
  info.set_reason("COMPACTED");
  info.set_domain("scoutlight");
  (*info.mutable_metadata())["revision"] = "17";
  (*info.mutable_metadata())["oldest_revision"] = "9";
  (*info.mutable_metadata())["store_id"] = "abc";
  rich.add_details()->PackFrom(info);
  google::rpc::BadRequest bad;
  bad.add_field_violations()->set_field("key");
  rich.add_details()->PackFrom(bad);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(500'000'000);
  rich.add_details()->PackFrom(retry);
  google::rpc::ResourceInfo resource;
  resource.set_resource_name("/a");
  rich.add_details()->PackFrom(resource);
  return grpc::Status(code, "text", rich.SerializeAsString());
}

TEST(StatusConversion, KeepsAllDetails) {
  const absl::Status status = StatusOf(Rich(grpc::StatusCode::OUT_OF_RANGE));
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(status.message(), "text");
  const ErrorDetails details = DetailsOf(status).value();
  EXPECT_EQ(details.reason, Reason::kCompacted);
  EXPECT_EQ(details.violations, (std::vector<FieldViolation>{{"key", ""}}));
  EXPECT_EQ(details.retry_after, absl::Milliseconds(500));
  EXPECT_EQ(details.resource, "/a");
  const ErrorState state = StateOf(status);
  EXPECT_EQ(state.revision, 17);
  EXPECT_EQ(state.oldest_revision, 9);
  EXPECT_EQ(state.store_id, "abc");
}

TEST(StatusConversion, TakesACodeWithoutDetailsForACutConnection) {
  for (const grpc::StatusCode code : {grpc::StatusCode::CANCELLED, grpc::StatusCode::UNKNOWN, grpc::StatusCode::INTERNAL}) {
    EXPECT_EQ(StatusOf(grpc::Status(code, "RST_STREAM")).code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(StatusOf(Rich(code)).code(), static_cast<absl::StatusCode>(code));
  }
  EXPECT_EQ(StatusOf(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "")).code(), absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(StatusOf(grpc::Status::OK).ok());
}

TEST(StatusConversion, SurvivesDetailsThatAreNone) {
  EXPECT_EQ(StatusOf(grpc::Status(grpc::StatusCode::NOT_FOUND, "x", std::string("\xff\xff\x01", 3))).code(), absl::StatusCode::kNotFound);
}

TEST(StatusConversion, KnowsEveryReason) {
  EXPECT_EQ(ReasonOfName("KEY_NOT_FOUND"), Reason::kKeyNotFound);
  EXPECT_EQ(ReasonOfName("INTERNAL"), Reason::kInternal);
  EXPECT_EQ(ReasonOfName("OF_A_LATER_VERSION"), Reason::kUnspecified);
  EXPECT_EQ(ReasonOfName(""), Reason::kUnspecified);
}

TEST(DurationConversion, GoesThereAndBack) {
  for (const absl::Duration duration : {absl::ZeroDuration(), absl::Milliseconds(1'500), absl::Hours(24), absl::Nanoseconds(1)}) {
    EXPECT_EQ(DurationOf(WireDuration(duration)), duration);
  }
  EXPECT_GT(DurationOf(WireDuration(absl::InfiniteDuration())), absl::Hours(1'000'000));
}

}  // namespace
}  // namespace scoutlight::client

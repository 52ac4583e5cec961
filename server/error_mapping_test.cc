#include "server/error_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "base/limits.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::server {
namespace {

// What a caller finds in an error.
struct Unpacked {
  google::rpc::Status status;
  std::vector<google::rpc::ErrorInfo> infos;
  google::rpc::BadRequest bad;
  google::rpc::RetryInfo retry;
  google::rpc::ResourceInfo resource;
};

Unpacked Unpack(const grpc::Status& status) {
  Unpacked unpacked;
  EXPECT_TRUE(unpacked.status.ParseFromString(status.error_details()));
  for (const google::protobuf::Any& detail : unpacked.status.details()) {
    google::rpc::ErrorInfo info;
    if (detail.UnpackTo(&info)) unpacked.infos.push_back(info);
    if (detail.Is<google::rpc::BadRequest>()) detail.UnpackTo(&unpacked.bad);
    if (detail.Is<google::rpc::RetryInfo>()) detail.UnpackTo(&unpacked.retry);
    if (detail.Is<google::rpc::ResourceInfo>()) detail.UnpackTo(&unpacked.resource);
  }
  return unpacked;
}

const ShownState kState = {17, 5, "00112233445566778899aabbccddeeff"};

TEST(ErrorMapping, ReasonsHaveTheSameNamesAndNumbersOnTheWire) {
  const google::protobuf::EnumDescriptor& wire = *registry::v1::ErrorReason_descriptor();
  int known = 0;
  for (int number = 0; number < 1000; ++number) {
    const google::protobuf::EnumValueDescriptor* value = wire.FindValueByNumber(number);
    const absl::string_view name = ReasonName(static_cast<Reason>(number));
    if (value == nullptr) {
      EXPECT_EQ(name, "UNSPECIFIED") << number << " is not on the wire";
    } else {
      EXPECT_EQ(value->name(), absl::StrCat("ERROR_REASON_", name)) << number;
      ++known;
    }
  }
  EXPECT_EQ(known, wire.value_count());
}

TEST(ErrorMapping, CarriesCodeMessageAndOneErrorInfo) {
  ErrorDetails details;
  details.reason = Reason::kKeyNotFound;
  details.resource = "/a/b";
  const grpc::Status status = ToGrpcStatus(MakeError(absl::StatusCode::kNotFound, "nothing at /a/b", details), kState);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "nothing at /a/b");
  const Unpacked unpacked = Unpack(status);
  EXPECT_EQ(unpacked.status.code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(unpacked.status.message(), "nothing at /a/b");
  ASSERT_EQ(unpacked.infos.size(), 1u);
  EXPECT_EQ(unpacked.infos[0].reason(), "KEY_NOT_FOUND");
  EXPECT_EQ(unpacked.infos[0].domain(), "scoutlight");
  EXPECT_EQ(unpacked.resource.resource_type(), "key");
  EXPECT_EQ(unpacked.resource.resource_name(), "/a/b");
}

TEST(ErrorMapping, CodesAboutStateCarryRevisionAndStore) {
  struct Case {
    absl::StatusCode code;
    bool carries_state;
    bool carries_oldest;
  };
  const Case kCases[] = {
      {absl::StatusCode::kNotFound, true, false},           {absl::StatusCode::kAlreadyExists, true, false},
      {absl::StatusCode::kFailedPrecondition, true, false}, {absl::StatusCode::kAborted, true, false},
      {absl::StatusCode::kOutOfRange, true, true},          {absl::StatusCode::kInvalidArgument, false, false},
      {absl::StatusCode::kResourceExhausted, false, false}, {absl::StatusCode::kUnavailable, false, false},
      {absl::StatusCode::kUnknown, false, false},           {absl::StatusCode::kDataLoss, false, false},
      {absl::StatusCode::kPermissionDenied, false, false},  {absl::StatusCode::kInternal, false, false},
  };
  for (const Case& each : kCases) {
    SCOPED_TRACE(absl::StatusCodeToString(each.code));
    const Unpacked unpacked = Unpack(ToGrpcStatus(absl::Status(each.code, "text"), kState));
    ASSERT_EQ(unpacked.infos.size(), 1u);
    const auto& metadata = unpacked.infos[0].metadata();
    EXPECT_EQ(metadata.count("revision"), each.carries_state);
    EXPECT_EQ(metadata.count("store_id"), each.carries_state);
    EXPECT_EQ(metadata.count("oldest_revision"), each.carries_oldest);
    if (each.carries_state) {
      EXPECT_EQ(metadata.at("revision"), "17");
    }
    if (each.carries_state) {
      EXPECT_EQ(metadata.at("store_id"), kState.store_id);
    }
    if (each.carries_oldest) {
      EXPECT_EQ(metadata.at("oldest_revision"), "5");
    }
    EXPECT_NE(unpacked.infos[0].reason(), "UNSPECIFIED");
  }
}

TEST(ErrorMapping, RetryInfoComesWithItsDelay) {
  ErrorDetails details;
  details.reason = Reason::kOverloaded;
  details.retry_after = absl::Milliseconds(1250);
  const Unpacked unpacked = Unpack(ToGrpcStatus(MakeError(absl::StatusCode::kResourceExhausted, "full", details), {}));
  EXPECT_EQ(unpacked.retry.retry_delay().seconds(), 1);
  EXPECT_EQ(unpacked.retry.retry_delay().nanos(), 250'000'000);
}

TEST(ErrorMapping, SharedCapacityAndOutagesAlwaysSayWhenToTryAgain) {
  EXPECT_EQ(Unpack(ToGrpcStatus(absl::ResourceExhaustedError("full"), {})).retry.retry_delay().seconds(), 1);
  EXPECT_EQ(Unpack(ToGrpcStatus(absl::UnavailableError("down"), {})).retry.retry_delay().seconds(), 1);
  EXPECT_FALSE(Unpack(ToGrpcStatus(absl::InvalidArgumentError("bad"), {})).retry.has_retry_delay());
}

TEST(ErrorMapping, EveryViolatedFieldIsNamed) {
  const absl::Status wrong = InvalidFields(Reason::kInvalidKey, {{"key", "is empty"}, {"lease_id", "is -1"}});
  const Unpacked unpacked = Unpack(ToGrpcStatus(wrong, {}));
  ASSERT_EQ(unpacked.bad.field_violations_size(), 2);
  EXPECT_EQ(unpacked.bad.field_violations(0).field(), "key");
  EXPECT_EQ(unpacked.bad.field_violations(1).field(), "lease_id");
  EXPECT_EQ(unpacked.bad.field_violations(1).description(), "is -1");
}

TEST(ErrorMapping, FitsIntoTheTrailersOfAStockClient) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < 1024; ++i) violations.push_back({absl::StrCat("on_success[", i, "].put.key"), "is \"\xc3\xa4\", which is wrong"});
  const grpc::Status status = ToGrpcStatus(InvalidFields(Reason::kInvalidKey, violations), {});
  EXPECT_LE(status.error_message().size(), limits::kErrorMessageBytesMax);
  // A byte of the message may take three in the trailers.
  EXPECT_LE(3 * status.error_message().size() + status.error_details().size(), 8 * limits::kKiB);
  const Unpacked unpacked = Unpack(status);
  EXPECT_GT(unpacked.bad.field_violations_size(), 20);
  EXPECT_EQ(unpacked.infos[0].metadata().at("violations_omitted"), absl::StrCat(1024 - unpacked.bad.field_violations_size()));
}

TEST(ErrorMapping, BytesThatAreNoTextAreReplaced) {
  const grpc::Status status = ToGrpcStatus(absl::InvalidArgumentError("bad \xff byte"), {});
  EXPECT_EQ(status.error_message(), "bad ? byte");
  EXPECT_EQ(Unpack(status).status.message(), "bad ? byte");
}

}  // namespace
}  // namespace scoutlight::server

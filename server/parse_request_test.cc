#include "server/parse_request.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::server {
namespace {

namespace wire = ::scoutlight::registry::v1;

// The encoding of a length-delimited field with number `number` (under 16) that holds `content` (under 128 bytes).
std::string Field(int number, const std::string& content) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(content.size()) + content;
}

absl::Status Parse(const std::string& bytes, google::protobuf::Message* request) {
  const grpc::Slice slice(bytes);
  return ParseRequest(grpc::ByteBuffer(&slice, 1), request);
}

TEST(ParseRequest, ReadsAMessageAndAcceptsUnknownFields) {
  wire::GetRequest request;
  ASSERT_TRUE(Parse(Field(1, "/a") + Field(15, "later"), &request).ok());
  EXPECT_EQ(request.key(), "/a");
}

TEST(ParseRequest, EmptyBytesAreTheEmptyMessage) {
  wire::GetRequest request;
  EXPECT_TRUE(Parse("", &request).ok());
  EXPECT_TRUE(ParseRequest(grpc::ByteBuffer(), &request).ok());
}

TEST(ParseRequest, NamesTheStringsThatAreNotUtf8) {
  struct Case {
    std::string bytes;
    std::string field;
  };
  const std::string ok_put = Field(2, Field(1, Field(1, "/a")));
  const Case kCases[] = {
      {Field(4, "\xff"), "request_id"},
      {ok_put + ok_put + Field(2, Field(1, Field(1, "/b\xc3("))), "on_success[2].put.key"},
      {Field(3, Field(4, Field(1, "\xc0\x80"))), "on_failure[0].list.parent"},
      {Field(1, Field(8, "\xed\xa0\x80")), "conditions[0].text"},
  };
  for (const Case& each : kCases) {
    SCOPED_TRACE(each.field);
    wire::TransactRequest request;
    const absl::Status status = Parse(each.bytes, &request);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(status), Reason::kMalformedRequest);
    ASSERT_EQ(DetailsOf(status)->violations.size(), 1u) << status;
    EXPECT_EQ(DetailsOf(status)->violations[0].field, each.field);
  }
}

TEST(ParseRequest, BytesFieldsMayHoldAnything) {
  wire::PutRequest request;
  EXPECT_TRUE(Parse(Field(1, "/a") + Field(3, "\xff\xfe"), &request).ok());
}

TEST(ParseRequest, GarbageIsRefusedWithoutAField) {
  for (const std::string& garbage : {std::string("\xff\xff\xff"), std::string("\x0a\x7f", 2), std::string("{\"key\": \"/a\"}")}) {
    wire::PutRequest request;
    const absl::Status status = Parse(garbage, &request);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(status), Reason::kMalformedRequest);
    EXPECT_NE(status.message().find("scoutlight.registry.v1.PutRequest"), absl::string_view::npos);
  }
}

TEST(ParseRequest, DeepNestingIsRefused) {
  std::string nested;
  for (int i = 0; i < 60; ++i) nested = Field(15, nested.substr(0, 100));
  wire::TransactRequest request;
  EXPECT_TRUE(Parse(nested, &request).ok()) << "unknown fields are not looked into";
}

TEST(ParseRequest, TakesRequestsUpToTheLimit) {
  wire::PutRequest request;
  const size_t overhead = 4;  // Tag and a length of three bytes.
  request.set_data(std::string(limits::kRequestBytesMax - overhead, 'x'));
  ASSERT_EQ(request.ByteSizeLong(), limits::kRequestBytesMax);
  wire::PutRequest parsed;
  EXPECT_TRUE(Parse(request.SerializeAsString(), &parsed).ok());
  request.mutable_data()->push_back('x');
  const absl::Status status = Parse(request.SerializeAsString(), &parsed);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), Reason::kRequestTooLarge);
}

}  // namespace
}  // namespace scoutlight::server

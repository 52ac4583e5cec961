#include "server/discovery/registration_conversion.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "gtest/gtest.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;

wire::RegisterAllResponse::Result ResultOf(const absl::Status& status) {
  wire::RegisterAllResponse::Result result;
  FillError(status, &result);
  return result;
}

TEST(RegisterAllResult, TellsCodeReasonAndWhatIsWrong) {
  const wire::RegisterAllResponse::Result result =
      ResultOf(InvalidFields(Reason::kInvalidField, {{"instance.properties.port", "is x, must be a number"}, {"ttl", "is missing"}}));
  EXPECT_EQ(result.code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(result.reason(), "INVALID_FIELD");
  EXPECT_EQ(result.violations_size(), 2);
  EXPECT_EQ(result.violations().at("ttl"), "is missing");
}

// A string field with other bytes would keep every answer from being sent, or read.
TEST(RegisterAllResult, BytesThatAreNoTextAreReplaced) {
  ErrorDetails details;
  details.reason = Reason::kInvalidField;
  details.violations = {{"instance.id", "is \xff\xfe, which is no name"}};
  const wire::RegisterAllResponse::Result result = ResultOf(MakeError(absl::StatusCode::kInvalidArgument, "before \xff after", details));
  EXPECT_EQ(result.message(), "before ? after");
  EXPECT_EQ(result.violations().at("instance.id"), "is ??, which is no name");
  wire::RegisterAllResponse::Result read;
  EXPECT_TRUE(read.ParseFromString(result.SerializeAsString()));
}

TEST(RegisterAllResult, ErrorsAreBounded) {
  ErrorDetails details;
  details.reason = Reason::kInvalidField;
  for (int i = 0; i < 100; ++i) details.violations.push_back({absl::StrCat("field", i), std::string(10'000, 'x')});
  const wire::RegisterAllResponse::Result result =
      ResultOf(MakeError(absl::StatusCode::kInvalidArgument, std::string(10'000, 'y'), details));
  EXPECT_EQ(result.message().size(), limits::kErrorMessageBytesMax);
  EXPECT_EQ(result.violations_size(), 2) << "as many as fit";
  EXPECT_LE(result.ByteSizeLong(), kResultErrorBytesMax);
}

}  // namespace
}  // namespace scoutlight::server

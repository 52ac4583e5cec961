#include "base/error.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace scoutlight {
namespace {

TEST(Error, DetailsComeBackAsTheyWentIn) {
  ErrorDetails details;
  details.reason = Reason::kCompacted;
  details.violations = {{"revision", "is 3; the oldest is 17"}, {"", std::string("a\0b", 3)}};
  details.retry_after = absl::Milliseconds(1500);
  details.resource = "/a/b";
  details.metadata = {{"oldest_revision", "17"}, {"empty", ""}};
  const absl::Status status = MakeError(absl::StatusCode::kOutOfRange, "too old", details);

  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(status.message(), "too old");
  const std::optional<ErrorDetails> read = DetailsOf(status);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->reason, details.reason);
  EXPECT_EQ(read->violations, details.violations);
  EXPECT_EQ(read->retry_after, details.retry_after);
  EXPECT_EQ(read->resource, details.resource);
  EXPECT_EQ(read->metadata, details.metadata);
  EXPECT_EQ(ReasonOf(status), Reason::kCompacted);
}

TEST(Error, StatusesOfOthersHaveNoDetails) {
  for (const absl::Status& status : {absl::OkStatus(), absl::InternalError("x")}) {
    EXPECT_FALSE(DetailsOf(status).has_value());
    EXPECT_EQ(ReasonOf(status), Reason::kUnspecified);
    EXPECT_EQ(PrefixFields(status, "put."), status);
  }
}

TEST(Error, InvalidFieldsNamesEachFieldInTheMessage) {
  const absl::Status status = InvalidFields(Reason::kInvalidField, {{"a", "is bad"}, {"b[1]", "is worse"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "a: is bad; b[1]: is worse");
  EXPECT_EQ(DetailsOf(status)->violations.size(), 2u);
}

TEST(Error, PrefixFieldsMovesEveryViolation) {
  const absl::Status status = PrefixFields(InvalidFields(Reason::kInvalidKey, {{"key", "x"}, {"value", "y"}}), "on_success[2].put.");
  EXPECT_EQ(ReasonOf(status), Reason::kInvalidKey);
  EXPECT_EQ(status.message(), "on_success[2].put.key: x; on_success[2].put.value: y");
  EXPECT_EQ(DetailsOf(status)->violations[1].field, "on_success[2].put.value");
}

TEST(Error, PrefixFieldsKeepsCodeMessageAndTheOtherDetails) {
  ErrorDetails details;
  details.reason = Reason::kKeyExists;
  details.violations = {{"key", "is there"}};
  details.resource = "/a";
  details.metadata = {{"revision", "9"}};
  const absl::Status status = PrefixFields(MakeError(absl::StatusCode::kAlreadyExists, "is there", details), "put.");
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(status.message(), "is there");
  const std::optional<ErrorDetails> read = DetailsOf(status);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->violations[0].field, "put.key");
  EXPECT_EQ(read->resource, "/a");
  EXPECT_EQ(read->metadata, details.metadata);
}

TEST(Error, EveryReasonHasItsOwnName) {
  std::set<std::string> names;
  int known = 0;
  for (int number = 1; number <= 200; ++number) {
    const std::string name(ReasonName(static_cast<Reason>(number)));
    if (name == "UNSPECIFIED") continue;
    ++known;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_GT(known, 0);
  EXPECT_EQ(ReasonName(Reason::kKeyNotFound), "KEY_NOT_FOUND");
  EXPECT_EQ(ReasonName(Reason::kInternal), "INTERNAL");
  EXPECT_EQ(ReasonName(static_cast<Reason>(999)), "UNSPECIFIED");
}

}  // namespace
}  // namespace scoutlight

#include "discovery/regex.h"

#include <string>

#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::HasSubstr;

std::string Fault(absl::string_view text) {
  const absl::StatusOr<Regex> regex = Regex::Parse(text);
  return regex.ok() ? "" : std::string(regex.status().message());
}

TEST(Regex, MatchesWholeTextsOnly) {
  const absl::StatusOr<Regex> regex = Regex::Parse("a+|b");
  ASSERT_TRUE(regex.ok());
  EXPECT_TRUE(regex->Matches("aaa"));
  EXPECT_TRUE(regex->Matches("b"));
  EXPECT_FALSE(regex->Matches("ab"));
  EXPECT_FALSE(regex->Matches("xa"));
  EXPECT_FALSE(regex->Matches(""));
  EXPECT_EQ(regex->text(), "a+|b");
}

TEST(Regex, BoundsAreInclusiveAndFaultsSayWhatIsWrong) {
  EXPECT_EQ(Fault(std::string(limits::kRegexBytesMax, 'a')), "");
  EXPECT_THAT(Fault(std::string(limits::kRegexBytesMax + 1, 'a')), HasSubstr("513 bytes, at most 512"));
  EXPECT_THAT(Fault("a("), HasSubstr("missing )"));
  EXPECT_THAT(Fault("(?=a)"), HasSubstr("RE2"));
  EXPECT_THAT(Fault("((((a{100}){100}){100}){100})"), HasSubstr("RE2"));
  EXPECT_THAT(Fault("\\pL{900}"), HasSubstr("too large")) << "the program is over its memory";
}

}  // namespace
}  // namespace scoutlight::discovery

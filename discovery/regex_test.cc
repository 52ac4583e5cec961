#include "discovery/regex.h"

#include <string>

#include "absl/strings/string_view.h"
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
  EXPECT_EQ(Regex::Parse("[ab]{1000}[ab]{20}")->instructions(), limits::kRegexInstructionsMax);
  EXPECT_EQ(Fault("[ab]{1000}[ab]{21}"), "is a regular expression of 1025 instructions in RE2's program, at most 1024 are allowed");
  EXPECT_THAT(Fault("[a-z]*a[a-z]{1000}[a-z]{1000}[a-z]{1000}x"), HasSubstr("of 3007 instructions"));
}

TEST(Regex, WhatPeopleAskForIsWithinTheBounds) {
  const absl::string_view cases[] = {
      ".{0,64}",
      "[0-9a-f]{128}",
      // A hostname, a semantic version, an address of e-mail.
      "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*",
      "(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(-[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?(\\+[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?",
      "[\\w.+-]{1,64}@[\\w-]{1,63}(\\.[\\w-]{1,63})+",
  };
  for (const absl::string_view text : cases) EXPECT_EQ(Fault(text), "") << text;
}

}  // namespace
}  // namespace scoutlight::discovery

#include "cli/suggestion.h"

#include <gtest/gtest.h>

namespace scoutlight::cli {
namespace {

const std::vector<std::string> kVerbs = {"get", "put", "list", "tree", "delete", "watch", "deregister"};

TEST(SuggestionTest, ASlipOfTheFingerIsFound) {
  EXPECT_EQ(Suggestion("gte", kVerbs), "get");
  EXPECT_EQ(Suggestion("lsit", kVerbs), "list");
  EXPECT_EQ(Suggestion("wacth", kVerbs), "watch");
  EXPECT_EQ(Suggestion("delet", kVerbs), "delete");
  EXPECT_EQ(Suggestion("trees", kVerbs), "tree");
}

TEST(SuggestionTest, AnAbbreviationIsFoundIfItIsTheOnlyOne) {
  EXPECT_EQ(Suggestion("del", kVerbs), "delete");
  EXPECT_EQ(Suggestion("de", kVerbs), "");
}

TEST(SuggestionTest, WhatIsLikeNothingIsNot) {
  EXPECT_EQ(Suggestion("frobnicate", kVerbs), "");
  EXPECT_EQ(Suggestion("", kVerbs), "");
  EXPECT_EQ(Suggestion(std::string(10'000, 'x'), kVerbs), "");
}

}  // namespace
}  // namespace scoutlight::cli

#include "server/discovery/shared_filters.h"

#include "base/error.h"
#include "gtest/gtest.h"

namespace scoutlight::server {
namespace {

discovery::Filter FilterOf(absl::string_view text) { return discovery::Filter::Parse(text, discovery::AgeTerms::kRefused).value(); }

TEST(SharedFilters, EqualOnesCountOnceAndOthersAreBounded) {
  SharedFilters filters(3);
  const discovery::Filter two = FilterOf("zone matches 'a.*' or zone matches 'b.*'");
  ASSERT_TRUE(filters.Take(two).ok());
  // In other words and order it is the same.
  ASSERT_TRUE(filters.Take(FilterOf("(zone matches \"b.*\") or zone matches 'a.*'")).ok());
  ASSERT_TRUE(filters.Take(FilterOf("tags matches 'x'")).ok());
  const absl::Status full = filters.Take(FilterOf("tags matches 'y'")).status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted) << full;
  EXPECT_EQ(ReasonOf(full), Reason::kStreamsFull);
  EXPECT_TRUE(filters.Take(FilterOf("port == 1")).ok()) << "without a regular expression there is nothing to share";

  filters.GiveBack(two);
  EXPECT_FALSE(filters.Take(FilterOf("tags matches 'y'")).ok()) << "somebody else uses it";
  filters.GiveBack(two);
  ASSERT_TRUE(filters.Take(FilterOf("tags matches 'y'")).ok());
  ASSERT_TRUE(filters.Take(FilterOf("tags matches 'z'")).ok());
  EXPECT_FALSE(filters.Take(two).ok());
}

}  // namespace
}  // namespace scoutlight::server

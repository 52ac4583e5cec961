#include "base/stable_hash.h"

#include "gtest/gtest.h"

namespace scoutlight {
namespace {

TEST(StableHash, FieldsDoNotRunTogether) {
  EXPECT_NE(StableHash().Add("ab").Add("c").value(), StableHash().Add("a").Add("bc").value());
  EXPECT_NE(StableHash().Add("").Add("a").value(), StableHash().Add("a").Add("").value());
}

TEST(StableHash, ValuesAreThoseOfEarlierReleases) {
  EXPECT_EQ(StableHash().value(), 0xefd01f60ba992926u);
  EXPECT_EQ(StableHash().Add("printer-1").value(), 0xeecca94f2e4794d2u);
}

}  // namespace
}  // namespace scoutlight

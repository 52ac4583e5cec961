#include "discovery/strategy/random.h"

#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

// The first numbers of the reference implementation (prng.di.unimi.it/splitmix64.c) for the seed 1234567.
TEST(Random, IsSplitMix64) {
  Random random(1234567);
  EXPECT_EQ(random.Next(), 6457827717110365317u);
  EXPECT_EQ(random.Next(), 3203168211198807973u);
  EXPECT_EQ(random.Next(), 9817491932198370423u);
}

TEST(Random, NumbersStayInTheirRange) {
  Random random(7);
  bool seen[3] = {};
  for (int i = 0; i < 1000; ++i) {
    const uint64_t number = random.Below(3);
    ASSERT_LT(number, 3u);
    seen[number] = true;
    const double unit = random.Unit();
    ASSERT_GE(unit, 0);
    ASSERT_LT(unit, 1);
  }
  EXPECT_TRUE(seen[0] && seen[1] && seen[2]);
  EXPECT_EQ(random.Below(1), 0u);
  EXPECT_LT(UnitInterval(~uint64_t{0}), 1);
}

}  // namespace
}  // namespace scoutlight::discovery

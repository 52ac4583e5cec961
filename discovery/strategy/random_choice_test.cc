#include "discovery/strategy/random_choice.h"

#include "discovery/strategy/strategy_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

TEST(RandomChoice, IsUniform) {
  for (const int size : {2, 7, 100}) {
    RandomChoice strategy;
    const auto picker = strategy.NewPicker(Share(MakeCandidates(size)));
    for (const uint64_t seed : kSeeds) {
      Random random(seed);
      const std::vector<int> counts = CountPicks(PickMany(*picker, 1000 * size, random), size);
      EXPECT_LT(ChiSquare(counts, std::vector<double>(size, 1.0 / size)), ChiSquareBound(size - 1)) << "size " << size << " seed " << seed;
    }
  }
}

TEST(RandomChoice, IsUniformAmongThoseNotAvoided) {
  RandomChoice strategy;
  const auto picker = strategy.NewPicker(Share(MakeCandidates(6)));
  for (const uint64_t seed : kSeeds) {
    Random random(seed);
    std::vector<int> counts = CountPicks(PickMany(*picker, 8000, random, {1, 4}), 6);
    EXPECT_EQ(counts[1] + counts[4], 0);
    counts = {counts[0], counts[2], counts[3], counts[5]};
    EXPECT_LT(ChiSquare(counts, std::vector<double>(4, 0.25)), ChiSquareBound(3)) << "seed " << seed;
  }
}

// The measure itself: a choice that goes to one place a sixth too often is found out.
TEST(RandomChoice, ChiSquareFindsASkewedChoice) {
  const std::vector<double> shares(7, 1.0 / 7);
  EXPECT_LT(ChiSquare({1000, 1000, 1000, 1000, 1000, 1000, 1000}, shares), 1e-9);
  EXPECT_GT(ChiSquare({1167, 1000, 1000, 1000, 1000, 1000, 1000}, shares), 20);
  EXPECT_LT(ChiSquareBound(6), 29);
  EXPECT_GT(ChiSquare({1200, 1000, 1000, 1000, 1000, 1000, 1000}, shares), ChiSquareBound(6));
}

}  // namespace
}  // namespace scoutlight::discovery

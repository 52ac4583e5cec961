#include "discovery/strategy/power_of_two.h"

#include <algorithm>

#include "discovery/strategy/random_choice.h"
#include "discovery/strategy/strategy_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

TEST(PowerOfTwo, FullestIsFarBelowThatOfOneChoice) {
  constexpr int kSize = 1000;
  PowerOfTwo two;
  RandomChoice one;
  for (const uint64_t seed : kSeeds) {
    Random random(seed);
    const auto of_two = CountPicks(PickMany(*two.NewPicker(Share(MakeCandidates(kSize))), kSize, random), kSize);
    const auto of_one = CountPicks(PickMany(*one.NewPicker(Share(MakeCandidates(kSize))), kSize, random), kSize);
    // ln ln 1000 / ln 2 is 2.8, and the constant is about 1; of one choice ln 1000 / ln ln 1000 is 3.6, and more in fact.
    EXPECT_LE(*std::max_element(of_two.begin(), of_two.end()), 4) << "seed " << seed;
    EXPECT_GT(*std::max_element(of_one.begin(), of_one.end()), *std::max_element(of_two.begin(), of_two.end())) << "seed " << seed;
  }
}

TEST(PowerOfTwo, WorstIsOnlyPickedWhenNothingElseIsLeft) {
  PowerOfTwo strategy;
  CandidateList candidates = MakeCandidates(5);
  for (int i = 0; i < 5; ++i) candidates[i].load = 0.1 * i;
  const auto picker = strategy.NewPicker(Share(candidates));
  for (const uint64_t seed : kSeeds) {
    Random random(seed);
    // The better of two different ones of five: place i wins with (4 - i) / 10.
    std::vector<int> counts = CountPicks(PickMany(*picker, 10'000, random), 5);
    EXPECT_EQ(counts[4], 0);
    counts.pop_back();
    EXPECT_LT(ChiSquare(counts, {0.4, 0.3, 0.2, 0.1}), ChiSquareBound(3)) << "seed " << seed;
    EXPECT_THAT(PickMany(*picker, 10, random, {0, 1, 2, 3}), ::testing::Each(4));
  }
}

}  // namespace
}  // namespace scoutlight::discovery

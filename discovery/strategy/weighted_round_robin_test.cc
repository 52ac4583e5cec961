#include "discovery/strategy/weighted_round_robin.h"

#include <cmath>
#include <numeric>
#include <random>

#include "base/limits.h"
#include "discovery/strategy/strategy_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

CandidateList Weighted(const std::vector<double>& weights) {
  CandidateList candidates = MakeCandidates(static_cast<int>(weights.size()));
  for (size_t i = 0; i < weights.size(); ++i) candidates[i].weight = weights[i];
  return candidates;
}

// nginx's algorithm as it is written there.
std::vector<int> PlainNginx(const std::vector<int64_t>& weights) {
  const int64_t sum = std::accumulate(weights.begin(), weights.end(), int64_t{0});
  std::vector<int64_t> current(weights.size());
  std::vector<int> picks;
  for (int64_t turn = 0; turn < sum; ++turn) {
    int best = -1;
    for (size_t i = 0; i < weights.size(); ++i) {
      if (weights[i] == 0) continue;
      current[i] += weights[i];
      if (best < 0 || current[i] > current[best]) best = static_cast<int>(i);
    }
    current[best] -= sum;
    picks.push_back(best);
  }
  return picks;
}

TEST(WeightedRoundRobin, IsTheSequenceOfNginx) {
  WeightedRoundRobin strategy;
  Random random(1);
  const auto picker = strategy.NewPicker(Share(Weighted({5, 1, 1})));
  EXPECT_THAT(PickMany(*picker, 9, random), ElementsAre(0, 0, 1, 0, 2, 0, 0, 0, 0));
}

TEST(WeightedRoundRobin, AgreesWithNginxForAllWeights) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<int64_t> weights(1 + random() % 12);
    for (int64_t& weight : weights) weight = random() % 9;
    weights.back() += 1;
    ASSERT_EQ(SmoothRound(weights), PlainNginx(weights)) << "seed " << seed;
  }
}

TEST(WeightedRoundRobin, WholeWeightsAreExactWhereTheyFit) {
  EXPECT_THAT(WholeWeights(Weighted({50, 10, 0, 20}), 100), ElementsAre(5, 1, 0, 2));
  EXPECT_THAT(WholeWeights(Weighted({60, 40}), 5), ElementsAre(3, 2));
  EXPECT_THAT(WholeWeights(Weighted({61, 40}), 100), ElementsAre(60, 40)) << "101 does not fit: rounded";
  EXPECT_THAT(WholeWeights(Weighted({0.5, 0.25, 0.25}), 100), ElementsAre(50, 25, 25));
  EXPECT_THAT(WholeWeights(Weighted({1e12, 1e-9}), 100), ElementsAre(100, 1)) << "nobody with a weight is left out";
  EXPECT_THAT(WholeWeights(Weighted({0, 0}), 100), ElementsAre(1, 1));
  EXPECT_THAT(WholeWeights({}, 100), SizeIs(0));
}

TEST(WeightedRoundRobin, SharesOfOddWeightsAreWithinOneTurnOfAThousand) {
  std::vector<double> weights;
  for (int i = 1; i <= 50; ++i) weights.push_back(std::sqrt(i));
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  const std::vector<int> round = SmoothRound(WholeWeights(Weighted(weights), limits::kWeightSlotsMax));
  const std::vector<int> counts = CountPicks(round, 50);
  for (int i = 0; i < 50; ++i) EXPECT_NEAR(counts[i] / static_cast<double>(round.size()), weights[i] / sum, 1e-4);
  std::vector<double> shares;
  for (const double weight : weights) shares.push_back(weight / sum);
  EXPECT_LT(ChiSquare(counts, shares), ChiSquareBound(49));
}

TEST(WeightedRoundRobin, PicksNeverGoToWeightZeroNorToWhoIsAvoided) {
  WeightedRoundRobin strategy;
  Random random(1);
  EXPECT_THAT(PickMany(*strategy.NewPicker(Share(Weighted({0, 3, 0}))), 10, random), Each(1));
  EXPECT_THAT(PickMany(*strategy.NewPicker(Share(Weighted({100, 1}))), 10, random, {0}), Each(1));
}

TEST(WeightedRoundRobin, RoundsAreBounded) {
  CandidateList candidates = MakeCandidates(20'000);
  for (size_t i = 0; i < candidates.size(); ++i) candidates[i].weight = 1 + static_cast<double>(i % 7) / 3;
  const std::vector<int64_t> weights = WholeWeights(candidates, 4 * 20'000);
  EXPECT_LE(std::accumulate(weights.begin(), weights.end(), int64_t{0}), 5 * 20'000);
}

}  // namespace
}  // namespace scoutlight::discovery

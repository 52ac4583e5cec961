#include "discovery/strategy/ranked.h"

#include <vector>

#include "discovery/strategy/best_quality.h"
#include "discovery/strategy/least_loaded.h"
#include "discovery/strategy/strategy_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(LeastLoaded, PicksTheLowestLoadAndEqualsTakeTurns) {
  LeastLoaded strategy;
  Random random(1);
  CandidateList candidates = MakeCandidates(4);
  candidates[0].load = 0.5;
  candidates[1].load = 0.2;
  candidates[2].load = 0.9;
  candidates[3].load = 0.2;
  const auto picker = strategy.NewPicker(Share(candidates));
  EXPECT_THAT(PickMany(*picker, 4, random), ElementsAre(1, 3, 1, 3));
  EXPECT_THAT(PickMany(*picker, 3, random, {1}), Each(3));
  EXPECT_THAT(PickMany(*picker, 3, random, {1, 3}), Each(0));
  EXPECT_THAT(PickMany(*picker, 3, random, {0, 1, 3}), Each(2));
}

TEST(LeastLoaded, TurnsGoOnFromSnapshotToSnapshot) {
  LeastLoaded strategy;
  Random random(1);
  const SharedCandidates candidates = Share(MakeCandidates(3));
  std::vector<int> picked;
  for (int i = 0; i < 6; ++i) picked.push_back(PickMany(*strategy.NewPicker(candidates), 1, random).front());
  EXPECT_THAT(picked, ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST(LeastLoaded, WhoTellsNoLoadCountsAsTheMean) {
  LeastLoaded strategy;
  Random random(1);
  CandidateList candidates = MakeCandidates(3);
  candidates[0].load = 0.2;
  candidates[2].load = 0.8;
  const auto picker = strategy.NewPicker(Share(candidates));
  EXPECT_THAT(PickMany(*picker, 1, random), ElementsAre(0));
  EXPECT_THAT(PickMany(*picker, 1, random, {0}), ElementsAre(1));
}

TEST(BestQuality, HealthGoesBeforeReliabilityAndLoad) {
  BestQuality strategy;
  Random random(1);
  CandidateList candidates = MakeCandidates(5);
  candidates[0] = {.id = 1, .load = 0.0, .reliability = 1.0, .health = Health::kWarning};
  candidates[1] = {.id = 2, .load = 5.0, .reliability = 0.1, .health = Health::kPassing};
  candidates[2] = {.id = 3, .load = 0.5, .reliability = 0.9, .health = Health::kPassing};  // 0.45
  candidates[3] = {.id = 4, .load = 0.4, .reliability = 0.8, .health = Health::kPassing};  // 0.48
  candidates[4] = {.id = 5, .load = 0.0, .reliability = 1.0, .health = Health::kCritical};
  const auto picker = strategy.NewPicker(Share(candidates));
  EXPECT_THAT(PickMany(*picker, 2, random), Each(3));
  EXPECT_THAT(PickMany(*picker, 2, random, {3}), Each(2));
  EXPECT_THAT(PickMany(*picker, 2, random, {2, 3}), Each(1));
  EXPECT_THAT(PickMany(*picker, 2, random, {1, 2, 3}), Each(0));
  EXPECT_THAT(PickMany(*picker, 2, random, {0, 1, 2, 3}), Each(4));
}

TEST(BestQuality, WithoutReportsAllHealthyOnesTakeTurns) {
  BestQuality strategy;
  Random random(1);
  CandidateList candidates = MakeCandidates(3);
  candidates[1].health = Health::kWarning;
  EXPECT_THAT(PickMany(*strategy.NewPicker(Share(candidates)), 4, random), ElementsAre(0, 2, 0, 2));
}

}  // namespace
}  // namespace scoutlight::discovery

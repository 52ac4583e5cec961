#include "discovery/strategy/least_used.h"

#include "discovery/strategy/strategy_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;

TEST(LeastUsed, NewcomerEntersAtTheCurrentMinimum) {
  LeastUsed strategy;
  Random random(1);
  CandidateList candidates = MakeCandidates(3);
  const auto before = strategy.NewPicker(Share(candidates));
  EXPECT_THAT(PickMany(*before, 7, random), ElementsAre(0, 1, 2, 0, 1, 2, 0));  // Counts 3, 2, 2.
  candidates.insert(candidates.begin(), MakeCandidates(10).back());
  const auto after = strategy.NewPicker(Share(candidates));  // The newcomer has 2.
  EXPECT_THAT(PickMany(*after, 7, random), ElementsAre(0, 2, 3, 1, 0, 2, 3)) << "it is not flooded, nor does it wait";
}

TEST(LeastUsed, CountsFollowIdsNotPlaces) {
  LeastUsed strategy;
  Random random(1);
  const CandidateList candidates = MakeCandidates(3);
  const auto before = strategy.NewPicker(Share(candidates));
  EXPECT_THAT(PickMany(*before, 2, random), ElementsAre(0, 1));
  const auto after = strategy.NewPicker(Share({candidates[1], candidates[2], candidates[0]}));
  EXPECT_THAT(PickMany(*after, 3, random), ElementsAre(1, 0, 2));
}

TEST(LeastUsed, WhoComesBackIsANewcomer) {
  LeastUsed strategy;
  Random random(1);
  const CandidateList candidates = MakeCandidates(2);
  PickMany(*strategy.NewPicker(Share(candidates)), 100, random);
  PickMany(*strategy.NewPicker(Share({candidates[1]})), 10, random);
  EXPECT_THAT(PickMany(*strategy.NewPicker(Share(candidates)), 4, random), ElementsAre(0, 1, 0, 1));
}

TEST(LeastUsed, AvoidedOneCountsAsUsed) {
  LeastUsed strategy;
  Random random(1);
  const auto picker = strategy.NewPicker(Share(MakeCandidates(3)));
  EXPECT_THAT(PickMany(*picker, 1, random, {0}), ElementsAre(1));
  EXPECT_THAT(PickMany(*picker, 4, random), ElementsAre(2, 0, 1, 2));
}

TEST(LeastUsed, EmptySnapshotsForgetEverything) {
  LeastUsed strategy;
  Random random(1);
  PickMany(*strategy.NewPicker(Share(MakeCandidates(2))), 5, random);
  EXPECT_THAT(PickMany(*strategy.NewPicker(Share({})), 1, random), ElementsAre(kNoPick));
  EXPECT_THAT(PickMany(*strategy.NewPicker(Share(MakeCandidates(2))), 2, random), ElementsAre(0, 1));
}

}  // namespace
}  // namespace scoutlight::discovery

#include "discovery/strategy/round_robin.h"

#include <thread>

#include "discovery/strategy/strategy_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(RoundRobin, GoesRound) {
  RoundRobin strategy;
  Random random(1);
  const auto picker = strategy.NewPicker(Share(MakeCandidates(3)));
  EXPECT_THAT(PickMany(*picker, 7, random), ElementsAre(0, 1, 2, 0, 1, 2, 0));
}

TEST(RoundRobin, NewSnapshotGoesOn) {
  RoundRobin strategy;
  Random random(1);
  const auto before = strategy.NewPicker(Share(MakeCandidates(3)));
  EXPECT_THAT(PickMany(*before, 1, random), ElementsAre(0));
  const auto after = strategy.NewPicker(Share(MakeCandidates(4)));
  EXPECT_THAT(PickMany(*after, 4, random), ElementsAre(1, 2, 3, 0));
}

TEST(RoundRobin, WhoIsPassedOverHasHadItsTurn) {
  RoundRobin strategy;
  Random random(1);
  const auto picker = strategy.NewPicker(Share(MakeCandidates(4)));
  EXPECT_THAT(PickMany(*picker, 1, random, {0, 1}), ElementsAre(2));
  EXPECT_THAT(PickMany(*picker, 2, random), ElementsAre(3, 0));
}

TEST(RoundRobin, ThreadsTogetherGoRoundExactly) {
  constexpr int kThreads = 4;
  constexpr int kPicks = 3000;
  RoundRobin strategy;
  const auto picker = strategy.NewPicker(Share(MakeCandidates(3)));
  std::vector<std::vector<int>> picks(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&picks, &picker, t] {
      Random random(t);
      picks[t] = PickMany(*picker, kPicks, random);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<int> all;
  for (const auto& some : picks) all.insert(all.end(), some.begin(), some.end());
  EXPECT_THAT(CountPicks(all, 3), Each(kThreads * kPicks / 3));
}

}  // namespace
}  // namespace scoutlight::discovery

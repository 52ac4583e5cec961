// What holds of every strategy, and of every modifier over every strategy.
#include "discovery/strategy/make_strategy.h"

#include <algorithm>
#include <set>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/limits.h"
#include "discovery/strategy/slow_start.h"
#include "discovery/strategy/strategy_fixture.h"
#include "discovery/strategy/subset.h"
#include "discovery/strategy/zone_preference.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::Gt;
using ::testing::SizeIs;

class EveryStrategy : public testing::TestWithParam<StrategyKind> {
 protected:
  std::unique_ptr<Strategy> Make(StrategyOptions options = {}) {
    options.kind = GetParam();
    return MakeStrategy(options).value();
  }
};

INSTANTIATE_TEST_SUITE_P(Strategies, EveryStrategy, testing::ValuesIn(kAllStrategies),
                         [](const auto& info) { return std::string(StrategyText(info.param)); });

// All modifiers at once.
const StrategyOptions kModified = {.slow_start = absl::Minutes(1), .subset = 3, .subset_caller = "me", .zone = "a"};

CandidateList InZones(int local, int others) {
  CandidateList candidates = MakeCandidates(local + others);
  for (int i = 0; i < local; ++i) candidates[i].zone = HashName("a");
  return candidates;
}

TEST_P(EveryStrategy, OfNothingPicksNothing) {
  Random random(1);
  for (const StrategyOptions& options : {StrategyOptions(), kModified}) {
    EXPECT_THAT(PickMany(*Make(options)->NewPicker(Share({})), 3, random), Each(kNoPick));
  }
}

TEST_P(EveryStrategy, NeverPicksWhoIsToBeAvoided) {
  for (const StrategyOptions& options : {StrategyOptions(), kModified}) {
    for (const uint64_t seed : kSeeds) {
      Random random(seed);
      const auto strategy = Make(options);
      CandidateList candidates = InZones(4, 4);
      for (size_t i = 0; i < candidates.size(); ++i) {
        candidates[i].weight = 1 + static_cast<double>(i);
        candidates[i].load = 0.1 * static_cast<double>(i);
        if (i % 3 == 0) candidates[i].registered_at = kTestNow - absl::Seconds(6);
      }
      const auto picker = strategy->NewPicker(Share(candidates));
      std::vector<int> avoid;
      for (int count = 0; count <= 8; ++count) {
        for (int i = 0; i < 50; ++i) {
          const int place = picker->Pick({.now = kTestNow, .random = &random, .avoid = avoid});
          ASSERT_EQ(std::count(avoid.begin(), avoid.end(), place), 0) << "seed " << seed;
          if (options.subset == 0) {
            ASSERT_EQ(place == kNoPick, count == 8) << "seed " << seed;
          }
        }
        avoid.push_back((count * 3) % 8);
      }
    }
  }
}

TEST_P(EveryStrategy, MayBeAskedForDistinctOnes) {
  Random random(1);
  const auto picker = Make()->NewPicker(Share(MakeCandidates(10)));
  std::vector<int> taken;
  for (int i = 0; i < 10; ++i) taken.push_back(picker->Pick({.now = kTestNow, .random = &random, .affinity = 7, .avoid = taken}));
  std::sort(taken.begin(), taken.end());
  EXPECT_THAT(taken, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_P(EveryStrategy, PickerOutlivesItsStrategyAndServesThreads) {
  auto strategy = Make(kModified);
  CandidateList candidates = InZones(5, 5);
  candidates[0].registered_at = kTestNow;
  const auto picker = strategy->NewPicker(Share(candidates));
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 3; ++t) {
    threads.emplace_back([&picker, t] {
      Random random(t);
      CountPicks(PickMany(*picker, 2000, random), 10);  // Expects each to be one of ten.
    });
  }
  const auto next = strategy->NewPicker(Share(candidates));
  for (std::thread& thread : threads) thread.join();
  strategy.reset();
  Random random(9);
  CountPicks(PickMany(*picker, 10, random), 10);
}

TEST_P(EveryStrategy, ZonePreferenceStaysInAHealthyZone) {
  Random random(1);
  const auto picker = Make({.zone = "a"})->NewPicker(Share(InZones(3, 7)));
  for (const int place : PickMany(*picker, 200, random)) ASSERT_LT(place, 3);
  EXPECT_GE(PickMany(*picker, 1, random, {0, 1, 2})[0], 3) << "spills over when the zone is to be avoided";
}

TEST_P(EveryStrategy, ZonePreferenceSpillsOverWhatTheZoneCannotCarry) {
  CandidateList candidates = InZones(4, 4);
  for (int i = 0; i < 3; ++i) candidates[i].health = Health::kCritical;
  ASSERT_NEAR(LocalShare(candidates, HashName("a")), 1.4 / 4, 1e-9);
  for (const uint64_t seed : kSeeds) {
    Random random(seed);
    const auto picker = Make({.zone = "a"})->NewPicker(Share(candidates));
    const std::vector<int> counts = CountPicks(PickMany(*picker, 40'000, random), 8);
    EXPECT_EQ(counts[0] + counts[1] + counts[2], 0) << "who is critical counts for the zone and is not picked";
    const int local = counts[3];
    EXPECT_LT(ChiSquare({local, 40'000 - local}, {0.35, 0.65}), ChiSquareBound(1)) << "seed " << seed;
  }
}

TEST_P(EveryStrategy, ZonePreferenceWithoutAZoneOrWithNothingElseTakesAll) {
  Random random(1);
  EXPECT_THAT(CountPicks(PickMany(*Make({.zone = "b"})->NewPicker(Share(InZones(3, 3))), 600, random), 6), Each(Gt(0)));
  EXPECT_THAT(CountPicks(PickMany(*Make({.zone = "a"})->NewPicker(Share(InZones(3, 0))), 600, random), 3), Each(Gt(0)));
}

TEST_P(EveryStrategy, SubsetKeepsToItsOwnFewAndChangesByOne) {
  Random random(1);
  const StrategyOptions options = {.subset = 4, .subset_caller = "caller 7"};
  const auto chosen = [&](const CandidateList& candidates) {
    std::set<uint64_t> ids;
    const auto picker = Make(options)->NewPicker(Share(candidates));
    // By avoiding, also those come to light that a strategy would not pick by itself.
    std::vector<int> taken;
    for (int i = 0; i < 4; ++i) taken.push_back(picker->Pick({.now = kTestNow, .random = &random, .avoid = taken}));
    EXPECT_EQ(picker->Pick({.now = kTestNow, .random = &random, .avoid = taken}), kNoPick);
    for (const int place : taken) ids.insert(candidates[place].id);
    return ids;
  };
  CandidateList candidates = MakeCandidates(30);
  const std::set<uint64_t> before = chosen(candidates);
  ASSERT_THAT(before, SizeIs(4));
  for (int gone = 0; gone < 30; ++gone) {
    CandidateList rest = candidates;
    rest.erase(rest.begin() + gone);
    std::set<uint64_t> both;
    const std::set<uint64_t> after = chosen(rest);
    std::set_intersection(before.begin(), before.end(), after.begin(), after.end(), std::inserter(both, both.end()));
    EXPECT_THAT(after, SizeIs(4));
    EXPECT_THAT(both, SizeIs(before.contains(candidates[gone].id) ? 3 : 4));
  }
}

TEST_P(EveryStrategy, SlowStartGivesANewcomerTheShareOfItsAge) {
  // Four candidates that every strategy treats alike but for its own order.
  CandidateList candidates = MakeCandidates(4);
  const auto share_of_newcomer = [&](absl::Duration age, uint64_t seed) {
    candidates[2].registered_at = kTestNow - age;
    Random random(seed);
    const auto picker = Make({.slow_start = absl::Seconds(100)})->NewPicker(Share(candidates));
    return CountPicks(PickMany(*picker, 8000, random), 4)[2] / 8000.0;
  };
  for (const uint64_t seed : kSeeds) {
    const double whole = share_of_newcomer(absl::Seconds(100), seed);
    EXPECT_NEAR(whole, 0.25, 0.05) << "seed " << seed;
    const double half = share_of_newcomer(absl::Seconds(50), seed);
    EXPECT_NEAR(half, 0.25 * 0.5, 0.06) << "seed " << seed;
    const double young = share_of_newcomer(absl::Seconds(1), seed);
    EXPECT_NEAR(young, 0.25 * 0.1, 0.02) << "at least a tenth; seed " << seed;
  }
}

// As after a restart of the whole service.
TEST_P(EveryStrategy, SlowStartOfOnlyNewcomersPicksThemAsEver) {
  for (const absl::Duration apart : {absl::ZeroDuration(), absl::Milliseconds(20)}) {
    CandidateList candidates = MakeCandidates(4);
    for (size_t i = 0; i < candidates.size(); ++i) candidates[i].registered_at = kTestNow - static_cast<int>(i) * apart;
    Random random(1);
    const auto picker = Make({.slow_start = absl::Hours(1)})->NewPicker(Share(candidates));
    const std::vector<int> counts = CountPicks(PickMany(*picker, 8000, random), 4);
    // A quarter each, as without slow start: of 8,000 draws within five standard deviations, and what a table's rounding adds.
    for (const int count : counts) EXPECT_NEAR(count, 2000, 400) << apart;
  }
}

// One that comes a little after the first of a young service gets what it will have when that is grown, at once.
TEST(SlowStart, NoKeyGoesBackWhileAYoungServiceGrows) {
  CandidateList candidates = MakeCandidates(2);
  candidates[0].registered_at = kTestNow;
  candidates[1].registered_at = kTestNow + absl::Seconds(30);
  const auto picker =
      MakeStrategy({.kind = StrategyKind::kConsistentHash, .slow_start = absl::Seconds(300)}).value()->NewPicker(Share(candidates));
  Random random(1);
  std::vector<bool> moved(2000);
  for (const int age : {30, 31, 40, 60, 90, 150, 299, 300, 320, 331}) {
    for (uint64_t key = 0; key < moved.size(); ++key) {
      const int place = picker->Pick({.now = kTestNow + absl::Seconds(age), .random = &random, .affinity = HashName(absl::StrCat(key))});
      EXPECT_TRUE(place == 1 || !moved[key]) << "key " << key << " went back at " << age;
      moved[key] = place == 1;
    }
  }
}

TEST(SlowStart, KeysMoveToANewcomerOneAfterTheOtherAndStay) {
  CandidateList candidates = MakeCandidates(5);
  candidates[3].registered_at = kTestNow;
  const auto picker =
      MakeStrategy({.kind = StrategyKind::kConsistentHash, .slow_start = absl::Seconds(100)}).value()->NewPicker(Share(candidates));
  Random random(1);
  std::vector<bool> moved(2000);
  int before = 0;
  for (const int age : {0, 20, 40, 60, 80, 100}) {
    int now_there = 0;
    for (uint64_t key = 0; key < moved.size(); ++key) {
      const int place = picker->Pick({.now = kTestNow + absl::Seconds(age), .random = &random, .affinity = HashName(absl::StrCat(key))});
      if (moved[key]) {
        ASSERT_EQ(place, 3) << "a key that had moved went back";
      }
      moved[key] = place == 3;
      now_there += place == 3 ? 1 : 0;
    }
    EXPECT_GT(now_there, before) << "age " << age;
    before = now_there;
  }
  EXPECT_NEAR(before, 400, 80);
}

TEST(ZonePreference, KeysStayOnTheirSide) {
  CandidateList candidates = InZones(4, 4);
  for (int i = 0; i < 3; ++i) candidates[i].health = Health::kCritical;
  const auto picker = MakeStrategy({.kind = StrategyKind::kConsistentHash, .zone = "a"}).value()->NewPicker(Share(candidates));
  Random random(1);
  int local = 0;
  for (uint64_t key = 0; key < 2000; ++key) {
    const PickRequest request = {.now = kTestNow, .random = &random, .affinity = HashName(absl::StrCat(key))};
    const int place = picker->Pick(request);
    ASSERT_EQ(picker->Pick(request), place);
    local += place < 4 ? 1 : 0;
  }
  EXPECT_NEAR(local, 700, 80);
}

TEST(ZonePreference, ShareFollowsHealthAndRoom) {
  const uint64_t zone = HashName("a");
  CandidateList candidates = InZones(2, 2);
  EXPECT_EQ(LocalShare(candidates, zone), 1);
  candidates[0].load = 0.8;
  EXPECT_EQ(LocalShare(candidates, zone), 1);
  candidates[0].load = 1;
  EXPECT_NEAR(LocalShare(candidates, zone), 0.7, 1e-9);
  candidates[1].load = 0.9;
  EXPECT_NEAR(LocalShare(candidates, zone), 0.35, 1e-9);
  candidates[1] = {.id = 1, .zone = zone, .health = Health::kWarning};
  EXPECT_NEAR(LocalShare(candidates, zone), 0.35, 1e-9);
  EXPECT_EQ(LocalShare(candidates, HashName("b")), 0);
}

TEST(MakeStrategy, MistakesAreAllTold) {
  const auto made = MakeStrategy({.kind = static_cast<StrategyKind>(99), .slow_start = absl::Hours(25), .subset = limits::kSubsetMax + 1});
  ASSERT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(DetailsOf(made.status())->violations,
              ElementsAre(Field(&FieldViolation::field, "kind"), Field(&FieldViolation::field, "slow_start"),
                          Field(&FieldViolation::field, "subset"), Field(&FieldViolation::field, "subset_caller")));
  EXPECT_FALSE(MakeStrategy({.slow_start = -absl::Seconds(1)}).ok());
  EXPECT_FALSE(MakeStrategy({.subset_caller = "x"}).ok());
  EXPECT_TRUE(MakeStrategy({.slow_start = absl::Hours(24), .subset = limits::kSubsetMax, .subset_caller = "x"}).ok());
}

// A strategy of one's own: one class.
class AlwaysLast : public Picker {
 public:
  explicit AlwaysLast(const SharedCandidates& candidates) : size_(static_cast<int>(candidates->size())) {}

  int Pick(const PickRequest& request) override {
    for (int place = size_ - 1; place >= 0; --place) {
      if (!request.Avoids(place)) return place;
    }
    return kNoPick;
  }

 private:
  const int size_;
};

TEST(MakeStrategy, ModifiesAStrategyOfOnesOwn) {
  Random random(1);
  const auto strategy = ModifyStrategy({.zone = "a"}, [] { return std::unique_ptr<Strategy>(new StrategyOf<AlwaysLast>); });
  ASSERT_TRUE(strategy.ok());
  const auto picker = (*strategy)->NewPicker(Share(InZones(3, 3)));
  EXPECT_THAT(PickMany(*picker, 2, random), ElementsAre(2, 2));
  EXPECT_THAT(PickMany(*picker, 1, random, {0, 1, 2}), ElementsAre(5));
}

TEST(StrategyKind, TextReadsBack) {
  for (const StrategyKind kind : kAllStrategies) EXPECT_EQ(ParseStrategyKind(StrategyText(kind)), kind);
  EXPECT_EQ(ParseStrategyKind("ROUND_ROBIN"), std::nullopt);
}

}  // namespace
}  // namespace scoutlight::discovery

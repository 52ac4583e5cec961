#include "discovery/strategy/justice_table.h"

#include <random>
#include <tuple>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;

TEST(JusticeTable, PicksFillCountsLikeWaterFillsSteps) {
  JusticeTable table({4, 2, 7, 4});
  std::vector<int> picks;
  for (int i = 0; i < 13; ++i) picks.push_back(table.Take());
  EXPECT_THAT(picks, ElementsAre(1, 1, 0, 3, 1, 0, 3, 1, 0, 3, 1, 2, 0));
  EXPECT_THAT(table.Counts(), ElementsAre(8, 7, 8, 7));
}

// The plain justice table: the lowest count; among equals the one picked longest ago, or never; then the earlier place.
TEST(JusticeTable, AgreesWithThePlainForm) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<uint64_t> counts(1 + random() % 8);
    for (uint64_t& count : counts) count = random() % 6;
    std::vector<int> last(counts.size(), -1);
    JusticeTable table(counts);
    for (int pick = 0; pick < 60; ++pick) {
      int expected = 0;
      for (int place = 1; place < static_cast<int>(counts.size()); ++place) {
        if (std::tie(counts[place], last[place]) < std::tie(counts[expected], last[expected])) expected = place;
      }
      ASSERT_EQ(table.Take(), expected) << "seed " << seed << " pick " << pick;
      ++counts[expected];
      last[expected] = pick;
      ASSERT_EQ(table.Counts(), counts) << "seed " << seed << " pick " << pick;
    }
  }
}

}  // namespace
}  // namespace scoutlight::discovery

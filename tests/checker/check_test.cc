#include "tests/checker/check.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/checker/gaps.h"
#include "tests/checker/simulation.h"
#include "tests/checker/stretch.h"

namespace scoutlight::checker {
namespace {

TEST(Check, TrueHistoriesRaiseNoAlarm) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const History history = Simulate({.seed = seed});
    ASSERT_GE(history.calls.size(), 2'900u);
    ASSERT_GE(history.log.size(), 500u);
    const std::vector<Violation> violations = Check(history, kSimulatedBounds);
    ASSERT_TRUE(violations.empty()) << "seed " << seed << ": " << Report(history, violations);
  }
}

TEST(Check, TrueHistoriesWithGapsRaiseNoAlarm) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    History history = Simulate({.seed = seed});
    const size_t written = history.log.size();
    Stretch(seed, &history);
    FillGaps(&history);
    ASSERT_GE(history.log.size(), written + written / 4);
    const std::vector<Violation> violations = Check(history, kSimulatedBounds);
    ASSERT_TRUE(violations.empty()) << "seed " << seed << ": " << Report(history, violations);
  }
}

}  // namespace
}  // namespace scoutlight::checker

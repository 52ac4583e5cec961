#include "tests/checker/check.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/checker/simulation.h"

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

}  // namespace
}  // namespace scoutlight::checker

// Whether the checker can be trusted: every kind of fault, put into true histories, is found and named.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/checker/check.h"
#include "tests/checker/gaps.h"
#include "tests/checker/mutations.h"
#include "tests/checker/simulation.h"
#include "tests/checker/stretch.h"

namespace scoutlight::checker {
namespace {

class Mutated : public ::testing::TestWithParam<Mutation> {};

// Faults are put into histories as they are, then `prepare` makes the histories others.
void ExpectFound(const Mutation& mutation, void (*prepare)(uint64_t seed, History* history)) {
  constexpr uint64_t kSeeds = 40;
  constexpr int kAppliedMin = 5;
  int applied = 0;
  for (uint64_t seed = 1; seed <= kSeeds && applied < 2 * kAppliedMin; ++seed) {
    History history = Simulate({.seed = seed, .calls = 1'500});
    std::mt19937_64 random(seed);
    if (!mutation.apply(&history, &random)) continue;
    ++applied;
    prepare(seed, &history);
    const std::vector<Violation> violations = Check(history, kSimulatedBounds);
    const bool named =
        std::any_of(violations.begin(), violations.end(), [&](const Violation& violation) { return violation.rule == mutation.rule; });
    EXPECT_TRUE(named) << "seed " << seed << ": " << Report(history, violations);
  }
  EXPECT_GE(applied, kAppliedMin) << "too few histories have a place for it";
}

TEST_P(Mutated, IsFoundAndNamed) {
  ExpectFound(GetParam(), [](uint64_t, History*) {});
}

TEST_P(Mutated, IsFoundAndNamedAmongGaps) {
  ExpectFound(GetParam(), [](uint64_t seed, History* history) {
    Stretch(seed, history);
    FillGaps(history);
  });
}

std::vector<Mutation> AllMutations() {
  std::vector<Mutation> all = AnswerMutations();
  for (auto* more : {WatchMutations, LeaseMutations}) {
    const std::vector<Mutation> added = more();
    all.insert(all.end(), added.begin(), added.end());
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Checker, Mutated, ::testing::ValuesIn(AllMutations()),
                         [](const ::testing::TestParamInfo<Mutation>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace scoutlight::checker

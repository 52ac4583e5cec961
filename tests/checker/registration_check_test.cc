// Whether the rules of registrations can be trusted: true histories raise no alarm, and every kind of fault put into them is found and
// named.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "tests/checker/registration_check.h"
#include "tests/checker/registration_mutations.h"
#include "tests/checker/registration_simulation.h"

namespace scoutlight::checker {
namespace {

TEST(RegistrationCheck, TrueHistoriesRaiseNoAlarm) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const RegistrationHistory history = SimulateRegistrations(seed);
    EXPECT_EQ(ReportRegistrations(CheckRegistrations(history, kSimulatedRegistrationBounds)), "") << "seed " << seed;
  }
}

// Who is overtaken before it is answered.
TEST(RegistrationCheck, WhoIsToldThatAnotherHasItMayHaveRegistered) {
  int changed = 0;
  for (const char* reason : {"FENCED", "INSTANCE_NOT_FOUND", "INSTANCE_OWNED"}) {
    bool alarmed = false;
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      RegistrationHistory history = SimulateRegistrations(seed);
      for (RegistrationCall& call : history.calls) {
        if (call.kind != CallKind::kRegister || call.outcome != Outcome::kOk || call.replayed) continue;
        ++changed;
        call.outcome = Outcome::kFailed;
        call.code = absl::StatusCode::kAborted;
        call.reason = reason;
      }
      const std::vector<Violation> violations = CheckRegistrations(history, kSimulatedRegistrationBounds);
      alarmed = alarmed || std::any_of(violations.begin(), violations.end(),
                                       [](const Violation& violation) { return violation.rule == Rule::kOneOwner; });
    }
    EXPECT_EQ(alarmed, std::string(reason) == "INSTANCE_OWNED") << reason;
  }
  EXPECT_GT(changed, 100);
}

TEST(RegistrationCheck, AHistoryWithoutALogSaysSo) {
  RegistrationHistory history = SimulateRegistrations(1, 300);
  history.stores.clear();
  const std::vector<Violation> violations = CheckRegistrations(history, kSimulatedRegistrationBounds);
  ASSERT_FALSE(violations.empty());
  EXPECT_EQ(violations[0].rule, Rule::kHistory);
}

class MutatedRegistrations : public ::testing::TestWithParam<RegistrationMutation> {};

TEST_P(MutatedRegistrations, IsFoundAndNamed) {
  constexpr uint64_t kSeeds = 120;
  constexpr int kAppliedMin = 5;
  int applied = 0;
  for (uint64_t seed = 1; seed <= kSeeds && applied < 2 * kAppliedMin; ++seed) {
    RegistrationHistory history = SimulateRegistrations(seed);
    std::mt19937_64 random(seed);
    if (!GetParam().apply(&history, &random)) continue;
    ++applied;
    const std::vector<Violation> violations = CheckRegistrations(history, kSimulatedRegistrationBounds);
    const bool named =
        std::any_of(violations.begin(), violations.end(), [](const Violation& violation) { return violation.rule == GetParam().rule; });
    EXPECT_TRUE(named) << "seed " << seed << ":\n" << ReportRegistrations(violations);
  }
  EXPECT_GE(applied, kAppliedMin) << "too few histories have a place for it";
}

INSTANTIATE_TEST_SUITE_P(Checker, MutatedRegistrations, ::testing::ValuesIn(RegistrationMutations()),
                         [](const ::testing::TestParamInfo<RegistrationMutation>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace scoutlight::checker

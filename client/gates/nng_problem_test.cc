#include "client/gates/nng_problem.h"

#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

struct SetClock final : Clock {
  absl::Time Now() override { return absl::UnixEpoch(); }
  absl::Duration SinceBoot() override { return now; }

  absl::Duration now = absl::Hours(1);
};

// Each of N endpoints that were not connected cost a look at all N.
TEST(NngProblems, AllWhoAskAtAboutTheSameTimeCostOneLook) {
  SetClock clock;
  int looks = 0;
  NngProblems problems(
      [&looks] {
        ++looks;
        return NngProblemsById{{7, looks == 1 ? "refused (1)" : "refused (2)"}};
      },
      &clock);
  for (int dialer = 1; dialer <= 1'000; ++dialer) EXPECT_EQ(problems.Of(dialer), dialer == 7 ? "refused (1)" : "");
  EXPECT_EQ(looks, 1);
  clock.now += NngProblems::kAgeMax;
  EXPECT_EQ(problems.Of(7), "refused (1)");
  clock.now += absl::Milliseconds(1);
  EXPECT_EQ(problems.Of(7), "refused (2)");
  EXPECT_EQ(looks, 2);
}

}  // namespace
}  // namespace scoutlight::client

#include "storage/local/lease_clock.h"

#include "gtest/gtest.h"

namespace scoutlight::storage {
namespace {

constexpr absl::Duration kBoot = absl::Hours(3);

TEST(LeaseClock, StandsStillUntilItIsStarted) {
  LeaseClock clock;
  EXPECT_EQ(clock.At(kBoot), absl::ZeroDuration());
  EXPECT_EQ(clock.At(kBoot + absl::Minutes(1)), absl::ZeroDuration());
  clock.Start(kBoot + absl::Minutes(2));
  EXPECT_EQ(clock.At(kBoot + absl::Minutes(2) + absl::Milliseconds(5)), absl::Milliseconds(5));
}

TEST(LeaseClock, StandsStillWhileItIsStopped) {
  LeaseClock clock;
  clock.Start(kBoot);
  clock.Stop(kBoot + absl::Milliseconds(5));
  EXPECT_EQ(clock.At(kBoot + absl::Milliseconds(9)), absl::Milliseconds(5));
  clock.Start(kBoot + absl::Milliseconds(100));
  EXPECT_EQ(clock.At(kBoot + absl::Milliseconds(101)), absl::Milliseconds(6));
  clock.Start(kBoot + absl::Milliseconds(104));
  EXPECT_EQ(clock.At(kBoot + absl::Milliseconds(104)), absl::Milliseconds(9)) << "it ran already";
}

TEST(LeaseClock, RunsAsLongAsItIsLookedAtAndLeavesOutTheRest) {
  LeaseClock clock;
  clock.Start(kBoot);
  EXPECT_EQ(clock.At(kBoot + LeaseClock::kStepMax), LeaseClock::kStepMax);
  EXPECT_EQ(clock.At(kBoot + 2 * LeaseClock::kStepMax), 2 * LeaseClock::kStepMax);
  const absl::Duration stopped = absl::Seconds(30);
  const absl::Duration again = kBoot + 2 * LeaseClock::kStepMax + stopped;
  EXPECT_EQ(clock.At(again), 2 * LeaseClock::kStepMax);
  EXPECT_EQ(clock.At(again + absl::Milliseconds(1)), 2 * LeaseClock::kStepMax + absl::Milliseconds(1));
  EXPECT_EQ(clock.At(again + absl::Milliseconds(2) + LeaseClock::kStepMax), 2 * LeaseClock::kStepMax + absl::Milliseconds(1));
}

TEST(LeaseClock, NeverGoesBack) {
  LeaseClock clock;
  clock.Start(kBoot);
  EXPECT_EQ(clock.At(kBoot + absl::Milliseconds(10)), absl::Milliseconds(10));
  EXPECT_EQ(clock.At(kBoot + absl::Milliseconds(4)), absl::Milliseconds(10));
  EXPECT_EQ(clock.At(kBoot + absl::Milliseconds(11)), absl::Milliseconds(11));
}

}  // namespace
}  // namespace scoutlight::storage

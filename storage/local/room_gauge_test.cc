#include "storage/local/room_gauge.h"

#include <gtest/gtest.h>

namespace scoutlight::storage {
namespace {

TEST(RoomGauge, LooksAgainWhenTheLastLookIsTooOld) {
  int looks = 0;
  RoomGauge gauge([&looks] {
    ++looks;
    return Engine::Room{.for_puts_bytes = 1'000 * looks, .for_deletes_bytes = 2'000 * looks};
  });
  const absl::Duration start = absl::Seconds(5);
  EXPECT_EQ(gauge.At(start)->for_puts_bytes, 1'000);
  EXPECT_EQ(gauge.At(start + RoomGauge::kAgeMax - absl::Nanoseconds(1))->for_puts_bytes, 1'000);
  EXPECT_EQ(looks, 1);
  EXPECT_EQ(gauge.At(start + RoomGauge::kAgeMax)->for_puts_bytes, 2'000);
  EXPECT_EQ(looks, 2);
}

TEST(RoomGauge, CountsWhatWasWrittenSince) {
  RoomGauge gauge([] { return Engine::Room{.for_puts_bytes = 1'000, .for_deletes_bytes = 2'000}; });
  gauge.At(absl::ZeroDuration());
  gauge.Use(600);
  gauge.Use(600);
  EXPECT_EQ(gauge.At(absl::ZeroDuration())->for_puts_bytes, -200);
  EXPECT_EQ(gauge.At(absl::ZeroDuration())->for_deletes_bytes, 800);
  EXPECT_EQ(gauge.At(RoomGauge::kAgeMax)->for_puts_bytes, 1'000);
}

TEST(RoomGauge, WithoutABoundThereIsNone) {
  RoomGauge gauge([] { return std::optional<Engine::Room>(); });
  EXPECT_FALSE(gauge.At(absl::ZeroDuration()).has_value());
  gauge.Use(1);
  EXPECT_FALSE(gauge.At(absl::ZeroDuration()).has_value());
}

TEST(RoomProblem, SaysSoBeforePutsAreRefusedAndWhenTheyAre) {
  constexpr int64_t kMiB = int64_t{1} << 20;
  const auto of = [](int64_t puts, int64_t disk) { return RoomProblem({.for_puts_bytes = puts, .disk_bytes = disk}); };
  EXPECT_EQ(of(0, 1'000 * kMiB), "the disk is nearly full: puts are refused");
  EXPECT_EQ(of(-1, 1'000 * kMiB), "the disk is nearly full: puts are refused");
  EXPECT_EQ(of(100 * kMiB - 1, 1'000 * kMiB), "the disk has 99 MiB left for puts, of 1000 MiB: when they are used up, puts are refused");
  EXPECT_EQ(of(100 * kMiB, 1'000 * kMiB), "");
  // A large disk has room for long when it has this much.
  EXPECT_EQ(of(kLowRoomBytes, 1'000'000 * kMiB), "");
  EXPECT_EQ(of(kLowRoomBytes - 1, 1'000'000 * kMiB),
            "the disk has 1023 MiB left for puts, of 1000000 MiB: when they are used up, puts are refused");
}

}  // namespace
}  // namespace scoutlight::storage

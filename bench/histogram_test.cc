#include "bench/histogram.h"

#include "gtest/gtest.h"

namespace scoutlight::bench {
namespace {

TEST(Histogram, EmptyHasNoDuration) {
  EXPECT_EQ(Histogram().Percentile(0.5), absl::ZeroDuration());
  EXPECT_EQ(Histogram().max(), absl::ZeroDuration());
}

TEST(Histogram, SmallDurationsAreExact) {
  Histogram histogram;
  for (int ns = 1; ns <= 100; ++ns) histogram.Record(absl::Nanoseconds(ns));
  EXPECT_EQ(histogram.Percentile(0.50), absl::Nanoseconds(50));
  EXPECT_EQ(histogram.Percentile(0.99), absl::Nanoseconds(99));
  EXPECT_EQ(histogram.Percentile(1), absl::Nanoseconds(100));
}

TEST(Histogram, EveryDurationIsWithinItsPrecision) {
  for (absl::Duration duration = absl::Nanoseconds(1); duration < absl::Minutes(5); duration = duration * 1.37 + absl::Nanoseconds(1)) {
    Histogram histogram;
    histogram.Record(duration);
    histogram.Record(absl::Minutes(5));
    const absl::Duration shown = histogram.Percentile(0.5);
    EXPECT_GE(shown, absl::Floor(duration, absl::Nanoseconds(1)));
    EXPECT_LE(shown, duration * (1 + 1.0 / 64)) << duration;
  }
}

TEST(Histogram, BoundsAreKept) {
  Histogram histogram;
  histogram.Record(-absl::Seconds(1));
  EXPECT_EQ(histogram.Percentile(1), absl::Nanoseconds(1));
  histogram.Record(absl::InfiniteDuration());
  EXPECT_EQ(histogram.max(), absl::Minutes(5));
}

TEST(Histogram, MergeCountsBoth) {
  Histogram fast, slow;
  for (int i = 0; i < 99; ++i) fast.Record(absl::Microseconds(10));
  slow.Record(absl::Milliseconds(3));
  fast.Merge(slow);
  EXPECT_EQ(fast.count(), 100);
  EXPECT_LE(fast.Percentile(0.99), absl::Microseconds(10.2));
  EXPECT_EQ(fast.max(), absl::Milliseconds(3));
}

}  // namespace
}  // namespace scoutlight::bench

#include "client/events/backoff.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace scoutlight::client {
namespace {

std::function<double()> Always(double drawn) {
  return [drawn] { return drawn; };
}

TEST(Backoff, DoublesItsCeilingUpToTheMaximum) {
  Backoff backoff(Always(0.5));
  EXPECT_EQ(backoff.Next(), Backoff::kFirst / 2);
  EXPECT_EQ(backoff.Next(), Backoff::kFirst);
  EXPECT_EQ(backoff.Next(), Backoff::kFirst * 2);
  for (int i = 0; i < 100; ++i) backoff.Next();
  EXPECT_EQ(backoff.Next(), Backoff::kMax / 2);
}

TEST(Backoff, DrawsNoMoreThanItIsAllowed) {
  const absl::Duration most = absl::Milliseconds(300);
  Backoff backoff(Always(0.5), most);
  for (int i = 0; i < 100; ++i) ASSERT_LE(backoff.Next(), most / 2) << i;
  EXPECT_EQ(backoff.Next(), most / 2);
  EXPECT_EQ(backoff.Next(absl::Seconds(1)), absl::Milliseconds(1'050)) << "what the server asks for is more";
  EXPECT_EQ(backoff.NextAfter(absl::PermissionDeniedError("")), Backoff::kMax * 0.75) << "the slowest pace is no drawn pause";
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), Backoff::kFirst / 2);
  for (int i = 0; i < 100; ++i) ASSERT_LE(backoff.Next(), most / 2) << i;
  Backoff least(Always(0.5), Backoff::kFirst / 2);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(least.Next(), Backoff::kFirst / 2) << i;
}

TEST(Backoff, BeginsAnewOnlyAfterAStreamThatStayed) {
  Backoff backoff(Always(0.5));
  for (int i = 0; i < 100; ++i) backoff.Next();
  backoff.NoteLived(Backoff::kGoodAfter - absl::Nanoseconds(1));
  EXPECT_EQ(backoff.Next(), Backoff::kMax / 2);
  backoff.NoteLived(Backoff::kGoodAfter);
  EXPECT_EQ(backoff.Next(), Backoff::kFirst / 2);
}

TEST(Backoff, HeedsTheServersMinimumAndSpreadsIt) {
  Backoff backoff(Always(0.5));
  EXPECT_EQ(backoff.Next(absl::Seconds(10)), absl::Milliseconds(10'500));
  const absl::Status full =
      MakeError(absl::StatusCode::kResourceExhausted, "", {.reason = Reason::kOverloaded, .retry_after = absl::Seconds(4)});
  EXPECT_EQ(backoff.NextAfter(full), absl::Milliseconds(4'200));
}

TEST(Backoff, TakesTheSlowestPaceForWhatStaysAsItIs) {
  Backoff backoff(Always(0));
  for (const absl::Status& status :
       {absl::InvalidArgumentError(""), absl::PermissionDeniedError(""), absl::UnauthenticatedError(""), absl::UnimplementedError("")}) {
    EXPECT_EQ(backoff.NextAfter(status), Backoff::kMax / 2) << status;
  }
  EXPECT_EQ(backoff.NextAfter(absl::UnavailableError("")), absl::ZeroDuration());
}

}  // namespace
}  // namespace scoutlight::client

#include <memory>
#include <string>
#include <utility>

#include "client/http/call_fixture.h"
#include "client/http/running_call.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

constexpr absl::Duration kHedgeAfter = absl::Milliseconds(50);

class HedgingTest : public CallFixture {
 protected:
  HedgingTest() {
    options.hedge_after = kHedgeAfter;
    TellUp({"a", "b", "c"});
  }
};

TEST_F(HedgingTest, SlowAttemptGetsACompanionOnAnotherInstance) {
  Begin();
  Advance(kHedgeAfter - absl::Milliseconds(1));
  EXPECT_EQ(transport.begun(), 1);
  Advance(absl::Milliseconds(1));
  ASSERT_EQ(transport.begun(), 2);
  EXPECT_NE(HostOf(0), HostOf(1));
  transport.at(1).Answer(200, "second");
  ASSERT_EQ(status(), 200);
  EXPECT_EQ((*result)->body, "second");
  EXPECT_EQ((*result)->attempts, 2);
  EXPECT_TRUE(transport.at(0).is_cancelled());
}

TEST_F(HedgingTest, FirstAnswerWinsWhoeverItIsFrom) {
  Begin();
  Advance(kHedgeAfter);
  EXPECT_EQ(transport.at(0).Head(200), FakeTransport::Take::kTaken);
  EXPECT_EQ(transport.at(1).Head(200), FakeTransport::Take::kStop);
  Advance(absl::Milliseconds(1));
  EXPECT_TRUE(transport.at(1).is_cancelled());
  transport.at(0).Body("first");
  transport.at(0).End();
  EXPECT_EQ((*result)->body, "first");
}

TEST_F(HedgingTest, FailedOneWaitsForTheOther) {
  Begin();
  Advance(kHedgeAfter);
  transport.at(0).Answer(503);
  Advance(kHedgeAfter);
  EXPECT_EQ(transport.begun(), 2);
  EXPECT_FALSE(result.has_value());
  transport.at(1).Answer(200);
  EXPECT_EQ(status(), 200);
}

TEST_F(HedgingTest, WhenAllFailedThereIsARetry) {
  Begin();
  Advance(kHedgeAfter);
  transport.at(0).Break();
  transport.at(1).Break();
  Advance(absl::Milliseconds(20));
  ASSERT_EQ(transport.begun(), 3);
  transport.at(2).Answer(200);
  EXPECT_EQ(status(), 200);
}

TEST_F(HedgingTest, HedgesAreBounded) {
  options.hedges_max = 2;
  Begin();
  Advance(absl::Seconds(5));
  EXPECT_EQ(transport.begun(), 3);
  Begin();
  options.hedges_max = 0;
  Begin();
  Advance(kHedgeAfter);
  EXPECT_EQ(transport.open(), 1 + 2 + 3);
}

TEST_F(HedgingTest, NoInstanceIsAskedTwice) {
  options.hedges_max = 8;
  Begin();
  Advance(absl::Seconds(5));
  EXPECT_EQ(transport.begun(), 3);
}

TEST_F(HedgingTest, TakesFromTheBudget) {
  options.retry_budget = {.percent = 0, .per_second = 0, .burst = 1};
  Begin();
  Advance(kHedgeAfter);
  EXPECT_EQ(transport.begun(), 2);
  transport.at(0).Answer(200);
  Begin();
  Advance(kHedgeAfter);
  EXPECT_EQ(transport.begun(), 3);
}

TEST_F(HedgingTest, OnlyWhatIsIdempotent) {
  Begin({.method = HttpMethod::kPost, .service = "Printer"});
  Advance(absl::Seconds(5));
  EXPECT_EQ(transport.begun(), 1);
  Begin({.method = HttpMethod::kPost, .service = "Printer", .idempotent = true});
  Advance(kHedgeAfter);
  EXPECT_EQ(transport.begun(), 3);
}

TEST_F(HedgingTest, RequestMaySayOtherwise) {
  Begin({.service = "Printer", .hedge_after = absl::InfiniteDuration()});
  Advance(absl::Seconds(5));
  EXPECT_EQ(transport.begun(), 1);
}

TEST_F(HedgingTest, NoneWhileItBacksOff) {
  options.retry_policy = std::make_shared<DefaultHttpRetryPolicy>(
      DefaultHttpRetryPolicy::Options{.backoff_first = absl::Seconds(1), .backoff_max = absl::Seconds(1)});
  Begin();
  transport.at(0).Break();
  Advance(absl::Milliseconds(400));
  EXPECT_EQ(transport.begun(), 1);
}

}  // namespace
}  // namespace scoutlight::client

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/drain_waits.h"
#include "server/discovery/subscriber_table.h"

namespace scoutlight::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Revision kDrained = 5;

// A drain that is followed, told in words; time is given by hand.
class DrainFollowTest : public ::testing::Test {
 protected:
  DrainFollowTest()
      : waits_({.count_watches = [this](const discovery::InstanceName&, uint64_t, DrainWaits::Parts::Count) { ++asked_; },
                .end_count = [this](uint64_t) { ++ended_; },
                .count_resolvers = [this](const discovery::ServiceName&) { return resolvers_; }}),
        table_([this](Subscription* subscription) { waits_.OnDropped(subscription); }) {}

  void Follow(absl::Duration linger = absl::ZeroDuration()) {
    waits_.Follow(1, {.name = {"default", "Printer", "laser"}, .revision = kDrained, .timeout = absl::Seconds(30), .linger = linger},
                  table_.OfService(kService), Now(), [this](DrainStanding standing) { Note(standing); });
  }
  // One that may know any instance.
  Subscription* Stranger(const std::string& id) {
    Subscription* const subscription = table_.Subscribe(table_.Arrive(id, Now()), kService);
    subscription->views.AssumeAny();
    waits_.OnAssumed(subscription);
    return subscription;
  }
  void Confirm(Subscription* subscription) {
    subscription->views.Begin(nullptr, kDrained);
    subscription->views.Complete(2);
    ASSERT_TRUE(subscription->views.Confirm(2));
    waits_.OnConfirmed(subscription);
  }
  void Pass(absl::Duration time) {
    now_ += time;
    waits_.Serve(now_);
  }
  // The watches are counted, if anybody has asked.
  void Count(int watches = 0) {
    if (std::exchange(asked_, 0) > 0) waits_.Counted(1, watches, now_);
  }
  absl::Duration Now() const { return now_; }
  std::vector<std::string> TakeTold() { return std::exchange(told_, {}); }

 private:
  void Note(const DrainStanding& standing) {
    if (!standing.settled) return told_.push_back("waits");
    std::string words = standing.outcome.complete ? "complete" : "over";
    for (const auto& laggard : standing.outcome.laggards) absl::StrAppend(&words, " ", laggard.subscriber_id);
    const int left = standing.outcome.unconfirmable_watches + standing.outcome.recent_resolvers;
    if (left != 0) absl::StrAppend(&words, " left ", left);
    told_.push_back(words);
  }

 protected:
  static inline const discovery::ServiceName kService{"default", "Printer"};
  absl::Duration now_ = absl::Seconds(100);
  int asked_ = 0;
  int ended_ = 0;
  int resolvers_ = 0;
  DrainWaits waits_;
  SubscriberTable table_;

 private:
  std::vector<std::string> told_;
};

TEST_F(DrainFollowTest, ItTellsOnceThatAllHaveConfirmedAndGoesOn) {
  Subscription* const one = Stranger("one");
  Follow();
  EXPECT_THAT(TakeTold(), IsEmpty());
  Confirm(one);
  Pass(absl::ZeroDuration());
  Count();
  EXPECT_THAT(TakeTold(), ElementsAre("complete"));
  Pass(absl::Minutes(5));
  Count();
  EXPECT_THAT(TakeTold(), IsEmpty());
  EXPECT_EQ(waits_.next_due(), absl::InfiniteDuration());
}

TEST_F(DrainFollowTest, OneThatComesLaterOpensItAgain) {
  Follow();
  Count();
  EXPECT_THAT(TakeTold(), ElementsAre("complete"));
  Subscription* const late = Stranger("late");
  EXPECT_THAT(TakeTold(), ElementsAre("waits"));
  Confirm(late);
  Pass(absl::ZeroDuration());
  Count();
  EXPECT_THAT(TakeTold(), ElementsAre("complete"));
}

TEST_F(DrainFollowTest, OneThatComesWhileItIsCountedIsWaitedFor) {
  Follow();
  ASSERT_EQ(asked_, 1);
  Subscription* const late = Stranger("late");
  Count();
  EXPECT_THAT(TakeTold(), IsEmpty());
  Confirm(late);
  Pass(absl::ZeroDuration());
  Count();
  EXPECT_THAT(TakeTold(), ElementsAre("complete"));
}

TEST_F(DrainFollowTest, AHoldOpensItAgainUntilItIsOver) {
  Follow();
  Count();
  EXPECT_THAT(TakeTold(), ElementsAre("complete"));
  waits_.HoldUntil(Now() + absl::Seconds(15));
  EXPECT_THAT(TakeTold(), ElementsAre("waits"));
  Pass(absl::Seconds(14));
  Count();
  EXPECT_THAT(TakeTold(), IsEmpty());
  Pass(absl::Seconds(1));
  Count();
  EXPECT_THAT(TakeTold(), ElementsAre("complete"));
}

TEST_F(DrainFollowTest, WhenItsTimeoutIsOverItNamesWhoIsLeftAndIsQuiet) {
  Stranger("slow");
  Follow();
  Pass(absl::Seconds(30));
  Count(2);
  EXPECT_THAT(TakeTold(), ElementsAre("over slow left 2"));
  Stranger("later");
  Pass(absl::Minutes(1));
  Count();
  EXPECT_THAT(TakeTold(), IsEmpty());
}

TEST_F(DrainFollowTest, WhileItLingersItLooksOnceASecondAndTellsWhatIsNew) {
  resolvers_ = 1;
  Follow(absl::Minutes(10));
  Count(2);
  EXPECT_THAT(TakeTold(), ElementsAre("complete left 3"));
  Pass(absl::Milliseconds(999));
  EXPECT_EQ(asked_, 0);
  Pass(absl::Milliseconds(1));
  Count(2);
  EXPECT_THAT(TakeTold(), IsEmpty());
  Pass(absl::Seconds(1));
  Count(1);
  EXPECT_THAT(TakeTold(), ElementsAre("complete left 2"));
  resolvers_ = 0;
  Pass(absl::Seconds(1));
  Count(0);
  EXPECT_THAT(TakeTold(), ElementsAre("complete"));
  EXPECT_EQ(waits_.next_due(), absl::InfiniteDuration());
  EXPECT_EQ(ended_, 0);
  waits_.End(1, absl::OkStatus());
  EXPECT_EQ(ended_, 1) << "the count that was kept";
}

TEST_F(DrainFollowTest, OneThatComesWhileItLingersEndsTheKeptCount) {
  Follow(absl::Minutes(10));
  Count(1);
  Pass(absl::Seconds(1));
  Count(1);
  EXPECT_THAT(TakeTold(), ElementsAre("complete left 1"));
  Stranger("late");
  EXPECT_THAT(TakeTold(), ElementsAre("waits"));
  EXPECT_EQ(ended_, 1);
}

TEST_F(DrainFollowTest, ItsEndIsNotTold) {
  Stranger("slow");
  Follow();
  waits_.EndAll(absl::UnavailableError("the server stops"));
  EXPECT_THAT(TakeTold(), IsEmpty());
  Pass(absl::Minutes(1));
  EXPECT_EQ(asked_, 0);
}

}  // namespace
}  // namespace scoutlight::server

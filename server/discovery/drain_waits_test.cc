#include "server/discovery/drain_waits.h"

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "gmock/gmock.h"
#include "server/discovery/subscriber_hub_fixture.h"

namespace scoutlight::server {
namespace {

using storage::AwaitCondition;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class DrainWaitsTest : public SubscriberHubTest {
 protected:
  DrainWaitsTest() {
    PassTheStart();
    Put("laser");
  }
};

TEST_F(DrainWaitsTest, NobodySubscribesSoItIsCompleteAtOnce) {
  const DrainOutcome outcome = Await("laser", StartDraining("laser"))->Await();
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_TRUE(outcome.complete);
  EXPECT_THAT(Laggards(outcome), IsEmpty());
}

TEST_F(DrainWaitsTest, ItWaitsForEachConfirmation) {
  FakeSubscriber* const a = Confirmed("a");
  FakeSubscriber* const b = Confirmed("b");
  const auto drain = Await("laser", StartDraining("laser"));
  ASSERT_TRUE(AwaitSent(a, 4));
  ASSERT_TRUE(AwaitSent(b, 4));
  a->Confirm(4);
  b->Confirm(3);
  Settle();
  EXPECT_FALSE(drain->answered());
  b->Confirm(4);
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(DrainWaitsTest, AtItsEndItNamesWhoHasNotConfirmedAndOnlyThose) {
  FakeSubscriber* const quick = Confirmed("quick");
  Confirmed("late");
  FakeSubscriber* const stalled = SubscribeAs("stalled", false);
  ASSERT_TRUE(AwaitSent(stalled, 1));
  for (size_t i = 2; i <= 3; ++i) {
    stalled->Read();
    ASSERT_TRUE(AwaitSent(stalled, i));
  }
  FakeSubscriber* const gone = Confirmed("gone");
  const Revision revision = StartDraining("laser");
  ASSERT_TRUE(AwaitSent(quick, 4));
  const auto drain = Await("laser", revision);
  quick->ConfirmAll();
  // So that it is gone still at the deadline.
  Pass(absl::Minutes(5) - absl::Seconds(1));
  EXPECT_FALSE(drain->answered());
  hub_.OnCancelled(gone);
  Settle();
  clock_.Advance(absl::Seconds(1));
  const DrainOutcome outcome = drain->Await();
  EXPECT_FALSE(outcome.complete);
  EXPECT_THAT(Laggards(outcome), UnorderedElementsAre("late", "stalled", "gone gone"));
  EXPECT_EQ(outcome.laggards[0].peer, "peer");
}

TEST_F(DrainWaitsTest, OneThatIsLateCanConfirmAfterTheFirstDrainHasEnded) {
  FakeSubscriber* const late = Confirmed("late");
  const Revision revision = StartDraining("laser");
  const auto first = Await("laser", revision);
  Pass(absl::Minutes(5));
  EXPECT_FALSE(first->Await().complete);
  late->ConfirmAll();
  Settle();
  EXPECT_TRUE(Await("laser", revision)->Await().complete);
}

TEST_F(DrainWaitsTest, OneThatNeverSawTheInstanceNeedNotConfirm) {
  FakeSubscriber* const stalled = SubscribeAs("stalled", false);
  ASSERT_TRUE(AwaitSent(stalled, 1));
  stalled->Read();
  ASSERT_TRUE(AwaitSent(stalled, 2));
  Put("inkjet");
  EXPECT_TRUE(Await("inkjet", StartDraining("inkjet"))->Await().complete);
}

TEST_F(DrainWaitsTest, RemovingTheServiceOrSayingGoodbyeIsAsGood) {
  FakeSubscriber* const removing = Confirmed("removing");
  FakeSubscriber* const leaving = Confirmed("leaving");
  const auto drain = Await("laser", StartDraining("laser"));
  removing->Send({.remove = {{"default", "Printer"}}});
  Settle();
  EXPECT_FALSE(drain->answered());
  leaving->Send({.goodbye = true});
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(DrainWaitsTest, OneThatIsGoneIsWaitedForUntilItCannotComeBack) {
  FakeSubscriber* const gone = Confirmed("gone");
  hub_.OnCancelled(gone);
  Settle();
  const auto drain = Await("laser", StartDraining("laser"));
  Pass(limits::kSubscriberGrace - absl::Seconds(1));
  EXPECT_FALSE(drain->answered());
  Pass(absl::Seconds(1));
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(DrainWaitsTest, OneThatComesBackIsWaitedForUntilItConfirms) {
  FakeSubscriber* const gone = Confirmed("back");
  hub_.OnCancelled(gone);
  Settle();
  const auto drain = Await("laser", StartDraining("laser"));
  FakeSubscriber* const back = SubscribeAs("back");
  ASSERT_TRUE(AwaitSent(back, 3));
  Pass(2 * limits::kSubscriberGrace);
  EXPECT_FALSE(drain->answered()) << "it has not confirmed yet";
  back->ConfirmAll();
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(DrainWaitsTest, OneThatCameBackBeforeTheDrainKnowsWhatItHadSeen) {
  FakeSubscriber* const gone = Confirmed("back");
  hub_.OnCancelled(gone);
  Settle();
  FakeSubscriber* const back = Subscribe({.subscriber_id = "back"});
  Settle();
  const auto drain = Await("laser", StartDraining("laser"));
  EXPECT_FALSE(drain->answered());
  back->Send({.add = {{"default", "Printer"}}});
  ASSERT_TRUE(AwaitSent(back, 3));
  back->ConfirmAll();
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(DrainWaitsTest, OneThatComesBackForOtherServicesIsWaitedForAsOneThatIsGone) {
  FakeSubscriber* const gone = Confirmed("back");
  hub_.OnCancelled(gone);
  Settle();
  const auto drain = Await("laser", StartDraining("laser"));
  Subscribe({.subscriber_id = "back", .add = {{"default", "Book"}}});
  Pass(limits::kSubscriberGrace - absl::Seconds(1));
  EXPECT_FALSE(drain->answered());
  Pass(absl::Seconds(1));
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(SubscriberHubTest, AfterAStartNothingIsCompleteBeforeThoseOfBeforeMayHaveComeBack) {
  Put("laser");
  const Revision revision = StartDraining("laser");
  const auto drain = Await("laser", revision);
  Pass(limits::kSubscriberGrace - absl::Seconds(1));
  EXPECT_FALSE(drain->answered());
  FakeSubscriber* const back = SubscribeAs("back");
  ASSERT_TRUE(AwaitSent(back, 3));
  const auto second = Await("laser", revision);
  Pass(absl::Seconds(1));
  EXPECT_FALSE(drain->answered()) << "what the server showed it before the start is not known";
  EXPECT_FALSE(second->answered());
  back->ConfirmAll();
  EXPECT_TRUE(drain->Await().complete);
  EXPECT_TRUE(second->Await().complete);
}

TEST_F(DrainWaitsTest, ItLingersForThoseWhoConfirmNothing) {
  watches_ = 2;
  resolvers_ = 1;
  const auto drain = Await("laser", StartDraining("laser"), absl::Seconds(60));
  ASSERT_TRUE(AwaitCondition([this] { return counted_ >= 1; }));
  Pass(absl::Seconds(10));
  ASSERT_TRUE(AwaitCondition([this] { return counted_ >= 2; }));
  EXPECT_FALSE(drain->answered());
  watches_ = 0;
  Pass(absl::Seconds(10));
  ASSERT_TRUE(AwaitCondition([this] { return counted_ >= 3; }));
  EXPECT_FALSE(drain->answered());
  Pass(absl::Seconds(40));
  const DrainOutcome outcome = drain->Await();
  EXPECT_TRUE(outcome.complete);
  EXPECT_EQ(outcome.unconfirmable_watches, 0);
  EXPECT_EQ(outcome.recent_resolvers, 1);
}

TEST_F(DrainWaitsTest, ItLingersNoLongerThanAnybodyIsLeft) {
  resolvers_ = 1;
  const auto drain = Await("laser", StartDraining("laser"), absl::Seconds(60));
  Settle();
  EXPECT_FALSE(drain->answered());
  resolvers_ = 0;
  Pass(absl::Seconds(1));
  EXPECT_EQ(drain->Await().recent_resolvers, 0);
}

TEST_F(DrainWaitsTest, ThoseThatLingerForOneServiceCountItsCallersOnceALook) {
  constexpr int kDrains = 20;
  resolvers_ = 1;
  const Revision revision = StartDraining("laser");
  std::vector<std::shared_ptr<Drain>> drains;
  for (int i = 0; i < kDrains; ++i) drains.push_back(Await("laser", revision, absl::Seconds(60)));
  const int before = resolver_counts_;
  Pass(absl::Seconds(1));
  ASSERT_TRUE(AwaitCondition([&] { return counted_ == 2 * kDrains; }));
  Settle();
  EXPECT_EQ(resolver_counts_ - before, 1);
  for (const auto& drain : drains) EXPECT_FALSE(drain->answered());
  resolvers_ = 0;
  Pass(absl::Seconds(1));
  for (const auto& drain : drains) EXPECT_EQ(drain->Await().recent_resolvers, 0);
}

TEST_F(DrainWaitsTest, OnlyACountThatIsAskedForAgainIsKeptAndNoLongerThanTheDrain) {
  EXPECT_TRUE(Await("laser", StartDraining("laser"), absl::Seconds(60))->Await().complete) << "nobody is left";
  EXPECT_THAT(kept(), IsEmpty());
  watches_ = 1;
  const Revision revision = StartDraining("laser");
  const auto lingering = Await("laser", revision, absl::Seconds(60));
  const auto cancelled = Await("laser", revision, absl::Seconds(60));
  Pass(absl::Seconds(1));
  EXPECT_TRUE(AwaitCondition([this] { return kept() == std::set<uint64_t>{2, 3}; }));
  hub_.EndWait(3);
  EXPECT_EQ(cancelled->Await().status.code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(kept(), ElementsAre(2u));
  Pass(absl::Seconds(60));
  EXPECT_EQ(lingering->Await().unconfirmable_watches, 1);
  EXPECT_THAT(kept(), IsEmpty());
}

TEST_F(DrainWaitsTest, WithLaggardsItDoesNotLinger) {
  Confirmed("late");
  watches_ = 3;
  const auto drain = Await("laser", StartDraining("laser"), absl::Seconds(60));
  Pass(absl::Minutes(5));
  const DrainOutcome outcome = drain->Await();
  EXPECT_FALSE(outcome.complete);
  EXPECT_EQ(outcome.unconfirmable_watches, 3);
}

TEST_F(DrainWaitsTest, ItEndsWhenItsCallerGoesAndWhenTheServerStops) {
  Confirmed("late");
  const Revision revision = StartDraining("laser");
  const auto cancelled = Await("laser", revision);
  const auto stopped = Await("laser", revision);
  hub_.EndWait(1);
  EXPECT_EQ(cancelled->Await().status.code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(stopped->answered());
  hub_.Drain(absl::UnavailableError("stopping"));
  EXPECT_EQ(stopped->Await().status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Await("laser", revision)->Await().status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(DrainWaitsTest, AServiceThatIsBegunAnewMayBeShownAsItWasUntilANewViewIsConfirmed) {
  FakeSubscriber* const stream = SubscribeAs("me", false);
  for (size_t sent = 1; sent < 3; ++sent) {
    ASSERT_TRUE(AwaitSent(stream, sent));
    stream->Read();
  }
  ASSERT_TRUE(AwaitSent(stream, 3));
  stream->Send({.remove = {{"default", "Printer"}}});
  stream->Send({.add = {{"default", "Printer"}}});
  const auto drain = Await("laser", StartDraining("laser"));
  EXPECT_FALSE(drain->answered()) << "its first view is on its way still";
  for (size_t sent = 3; sent < 5; ++sent) {
    stream->Read();
    ASSERT_TRUE(AwaitSent(stream, sent + 1));
  }
  stream->Confirm(5);
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(DrainWaitsTest, WhatOneThatIsBackDoesNotWantIsHeldNoLongerWhenItsStreamEndsAgain) {
  hub_.OnCancelled(Confirmed("back"));
  Settle();
  const auto drain = Await("laser", StartDraining("laser"));
  Put("novel", discovery::Status::kUp, "Book");
  const absl::Duration step = limits::kSubscriberGrace / 3;
  for (int i = 0; i < 2; ++i) {
    FakeSubscriber* const back = Subscribe({.subscriber_id = "back", .add = {{"default", "Book"}}});
    ASSERT_TRUE(AwaitSent(back, 3));
    Pass(step);
    hub_.OnCancelled(back);
    Settle();
  }
  EXPECT_FALSE(drain->answered());
  Pass(step);
  EXPECT_TRUE(drain->Await().complete);
}

// Without a hub, so that it counts as long as the test says.
TEST(DrainWaits, WhoConfirmsWhileItCountsIsNoLaggardAndItIsComplete) {
  int counts = 0;
  DrainWaits waits(
      {.count_watches = [&](const discovery::InstanceName& /*name*/, uint64_t /*wait*/, DrainWaits::Parts::Count /*count*/) { ++counts; },
       .end_count = nullptr,
       .count_resolvers = [](const discovery::ServiceName& /*service*/) { return 0; }});
  SubscriberTable table([&](Subscription* subscription) { waits.OnDropped(subscription); });
  const discovery::ServiceName service{"default", "Printer"};
  Subscription* const subscription = table.Subscribe(table.Arrive("me", absl::ZeroDuration()), service);
  subscription->views.AssumeAny();
  std::optional<DrainOutcome> outcome;
  waits.Add(1, {.name = {"default", "Printer", "laser"}, .revision = 5, .timeout = absl::Seconds(1)}, table.OfService(service),
            absl::ZeroDuration(), [&](DrainOutcome answer) { outcome = std::move(answer); });
  EXPECT_EQ(counts, 0);
  waits.Serve(absl::Seconds(1));
  ASSERT_EQ(counts, 1);
  subscription->views.Begin(nullptr, 5);
  subscription->views.Complete(2);
  ASSERT_TRUE(subscription->views.Confirm(2));
  waits.OnConfirmed(subscription);
  waits.Counted(1, 0, absl::Seconds(1));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->complete);
  EXPECT_THAT(outcome->laggards, IsEmpty());
}

class SharedStoreTest : public SubscriberHubTest {
 protected:
  SharedStoreTest() : SubscriberHubTest({}, Store::kShared) {
    PassTheStart();
    Put("laser");
  }
};

TEST_F(SharedStoreTest, OneThatHasNeverSeenItAtWorkHereIsWaitedForTooUntilItHasConfirmed) {
  const Revision revision = StartDraining("laser");
  FakeSubscriber* const stranger = SubscribeAs("stranger");
  ASSERT_TRUE(AwaitSent(stranger, 3));
  const auto drain = Await("laser", revision);
  EXPECT_FALSE(drain->answered());
  stranger->ConfirmAll();
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(SharedStoreTest, OneThatComesForTheFirstTimeIsNotWaitedFor) {
  const Revision revision = StartDraining("laser");
  const auto drain = Await("laser", revision);
  EXPECT_TRUE(drain->Await().complete);
  // It does not read: nothing that it was sent is confirmed.
  FakeSubscriber* const newcomer = SubscribeAs("", false);
  ASSERT_TRUE(AwaitSent(newcomer, 1));
  EXPECT_TRUE(Await("laser", revision)->Await().complete);
  newcomer->Send({.add = {{"default", "Book"}}});
  Put("novel", discovery::Status::kUp, "Book");
  Settle();
  EXPECT_TRUE(Await("laser", revision)->Await().complete);
}

TEST_F(SharedStoreTest, OneThatCameForTheFirstTimeBeforeTheDrainIsWaitedFor) {
  FakeSubscriber* const newcomer = SubscribeAs("");
  ASSERT_TRUE(AwaitSent(newcomer, 3));
  const auto drain = Await("laser", StartDraining("laser"));
  ASSERT_TRUE(AwaitSent(newcomer, 4));
  EXPECT_FALSE(drain->answered());
  newcomer->ConfirmAll();
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(SharedStoreTest, OneThatComesBackWithTheIdThatWasDrawnMayComeFromElsewhere) {
  FakeSubscriber* const newcomer = SubscribeAs("");
  ASSERT_TRUE(AwaitSent(newcomer, 3));
  const std::string id = newcomer->messages()[0].subscriber_id();
  ASSERT_NE(id, "");
  newcomer->Send({.goodbye = true});
  ASSERT_TRUE(AwaitEnd(newcomer));
  const Revision revision = StartDraining("laser");
  FakeSubscriber* const back = SubscribeAs(id);
  ASSERT_TRUE(AwaitSent(back, 3));
  const auto drain = Await("laser", revision);
  EXPECT_FALSE(drain->answered());
  back->ConfirmAll();
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(SharedStoreTest, WhenAServerHasGoneNothingIsCompleteForAWhile) {
  hub_.OnServerGone();
  const auto drain = Await("laser", StartDraining("laser"));
  Pass(limits::kSubscriberGrace - absl::Milliseconds(1));
  EXPECT_FALSE(drain->answered());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(drain->Await().complete);
}

TEST_F(SharedStoreTest, ADrainThatIsFollowedTellsUntilItIsEnded) {
  std::atomic<int> complete = 0, waits = 0;
  const uint64_t number = hub_.NewDrainNumber();
  hub_.FollowConfirmed(number, {.name = {"default", "Printer", "laser"}, .revision = StartDraining("laser"), .timeout = absl::Minutes(5)},
                       [&](const DrainStanding& standing) { standing.settled ? ++complete : ++waits; });
  ASSERT_TRUE(AwaitCondition([&] { return complete == 1; }));
  FakeSubscriber* const stranger = SubscribeAs("stranger");
  ASSERT_TRUE(AwaitSent(stranger, 3));
  EXPECT_EQ(waits, 1);
  stranger->ConfirmAll();
  ASSERT_TRUE(AwaitCondition([&] { return complete == 2; }));
  hub_.EndWait(number);
  hub_.OnServerGone();
  Settle();
  EXPECT_EQ(waits, 1);
}

TEST_F(DrainWaitsTest, SoManyWait) {
  for (int i = 0; i < limits::kDrainsMax; ++i) ASSERT_TRUE(hub_.TakeDrainPlace().ok());
  EXPECT_EQ(ReasonOf(hub_.TakeDrainPlace().status()), Reason::kOverloaded);
  hub_.GiveBackDrainPlace();
  EXPECT_TRUE(hub_.TakeDrainPlace().ok());
}

}  // namespace
}  // namespace scoutlight::server

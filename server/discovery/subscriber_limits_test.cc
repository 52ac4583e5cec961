// How many services subscribers may have, one and all together, and how many of them a drain names.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/drain_waits.h"
#include "server/discovery/subscriber_hub_fixture.h"
#include "server/discovery/subscriber_message.h"
#include "server/discovery/subscriber_table.h"

namespace scoutlight::server {
namespace {

using discovery::ServiceName;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kCaller[] = "host:10.0.0.1";

std::vector<ServiceName> Services(int first, int count) {
  std::vector<ServiceName> services;
  for (int i = first; i < first + count; ++i) services.push_back({"default", absl::StrCat("s", i)});
  return services;
}

std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : DetailsOf(status).value_or(ErrorDetails()).violations) fields.push_back(violation.field);
  return fields;
}

// What streams before had counts for as long as it is held.
TEST_F(SubscriberHubTest, WithThoseOfEarlierStreamsItHasAtMostTwiceSoManyServices) {
  for (const int first : {0, limits::kSubscribedServicesMax}) {
    FakeSubscriber* const stream = Subscribe({.subscriber_id = "me", .add = Services(first, limits::kSubscribedServicesMax)});
    Settle();
    ASSERT_FALSE(stream->end().has_value()) << *stream->end();
    hub_.OnCancelled(stream);
    Settle();
  }
  const SubscriberMessage one_more{.subscriber_id = "me", .add = Services(2 * limits::kSubscribedServicesMax, 1)};
  FakeSubscriber* const over = Subscribe(one_more);
  ASSERT_TRUE(AwaitEnd(over));
  EXPECT_EQ(over->end()->code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(FieldsOf(*over->end()), ElementsAre("add"));
  EXPECT_THAT(std::string(over->end()->message()), HasSubstr("1 services, 2001 with those that only its streams before had"));
  EXPECT_EQ(over->sent(), 0u);
  FakeSubscriber* const as_before = Subscribe({.subscriber_id = "me", .add = Services(0, limits::kSubscribedServicesMax)});
  Settle();
  EXPECT_FALSE(as_before->end().has_value()) << "it had them";
  hub_.OnCancelled(as_before);
  Pass(limits::kSubscriberGrace);
  FakeSubscriber* const later = Subscribe(one_more);
  Settle();
  EXPECT_FALSE(later->end().has_value()) << "nothing is held any more";
}

TEST(SubscriberLimits, AllTogetherSubscribeToSoManyServicesAndNoMore) {
  EXPECT_EQ(SubscriberBounds().subscriptions_max, limits::kWatchesMax);
  constexpr int kOfEach = 10, kMax = 30;
  SubscriberTable table([](Subscription*) {}, {.subscriptions_max = kMax});
  const std::vector<ServiceName> services = Services(0, kOfEach);
  Subscriber* last = nullptr;
  for (int i = 0; i < kMax / kOfEach; ++i) {
    last = table.Arrive(absl::StrCat("subscriber", i), absl::ZeroDuration());
    last->caller = kCaller;
    for (const ServiceName& service : services) table.Subscribe(last, service);
  }
  const auto refused = [&](const SubscriberMessage& message, const Subscriber* subscriber) {
    return ReasonOf(CheckMessage(message, kCaller, subscriber, table));
  };
  ASSERT_EQ(table.subscriptions(), static_cast<size_t>(kMax));
  const absl::Status full = CheckMessage({.subscriber_id = "new", .add = Services(0, 1)}, kCaller, nullptr, table);
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(full), Reason::kWatchesFull);
  EXPECT_THAT(std::string(full.message()), HasSubstr("more than 30 services"));
  EXPECT_GT(DetailsOf(full)->retry_after, absl::ZeroDuration());
  EXPECT_EQ(refused({.add = services}, last), Reason::kUnspecified) << "it has them already";
  EXPECT_EQ(refused({.remove = Services(0, 1), .add = Services(9'000, 1)}, last), Reason::kUnspecified) << "one in place of another";
  EXPECT_EQ(refused({.subscriber_id = "new"}, nullptr), Reason::kUnspecified) << "without a service";
  table.Unsubscribe(last, services[0]);
  EXPECT_EQ(refused({.subscriber_id = "new", .add = Services(0, 1)}, nullptr), Reason::kUnspecified);
  EXPECT_EQ(refused({.subscriber_id = "new", .add = Services(0, 2)}, nullptr), Reason::kWatchesFull);
}

TEST(SubscriberLimits, OfThoseThatAreGoneSoManyAreRememberedAndTheNextTakesThePlaceOfTheFirst) {
  EXPECT_EQ(SubscriberBounds().gone_max, limits::kGoneSubscribersMax);
  SubscriberTable table([](Subscription*) {}, {.gone_max = 2});
  const auto lose = [&](const std::string& id, absl::Duration now) {
    Subscriber* const subscriber = table.Arrive(id, now);
    table.Subscribe(subscriber, {"default", "Printer"})->views.AssumeAny();
    return table.Lose(subscriber, now);
  };
  EXPECT_EQ(lose("a", absl::Seconds(1)), absl::ZeroDuration());
  EXPECT_EQ(lose("b", absl::Seconds(2)), absl::ZeroDuration());
  EXPECT_EQ(lose("c", absl::Seconds(3)), absl::Seconds(1) + limits::kSubscriberGrace) << "so long the first would have been remembered";
  EXPECT_EQ(table.gone(), 2u);
  EXPECT_FALSE(table.all().contains("a"));
  EXPECT_EQ(table.subscriptions(), 2u);
  EXPECT_EQ(lose("d", absl::Seconds(4)), absl::Seconds(2) + limits::kSubscriberGrace);
}

class FewGoneTest : public SubscriberHubTest {
 protected:
  // "first" had to be forgotten, for which "second" is remembered; both had confirmed the instance at work. A drain of it waits.
  FewGoneTest() : SubscriberHubTest({.gone_max = 1}) {
    PassTheStart();
    Put("laser");
    FakeSubscriber* const first = Confirmed("first");
    FakeSubscriber* const second = Confirmed("second");
    hub_.OnCancelled(first);
    Settle();
    Pass(absl::Seconds(5));
    hub_.OnCancelled(second);
    Settle();
    drain_ = Await("laser", StartDraining("laser"));
    ConfirmAs("second");
  }
  void ConfirmAs(const std::string& id) {
    FakeSubscriber* const back = SubscribeAs(id);
    ASSERT_TRUE(AwaitSent(back, 3));
    EXPECT_FALSE(drain_->answered()) << id << " has not confirmed";
    back->ConfirmAll();
    Settle();
  }

  std::shared_ptr<Drain> drain_;
};

TEST_F(FewGoneTest, NothingIsCompleteAsLongAsOneThatWasForgottenMightComeBack) {
  EXPECT_FALSE(drain_->answered());
  Pass(limits::kSubscriberGrace - absl::Seconds(5) - absl::Milliseconds(1));
  EXPECT_FALSE(drain_->answered());
  Pass(absl::Milliseconds(1));
  EXPECT_TRUE(drain_->Await().complete);
}

TEST_F(FewGoneTest, OneThatWasForgottenAndComesBackIsWaitedForUntilItConfirms) {
  FakeSubscriber* const back = SubscribeAs("first");
  ASSERT_TRUE(AwaitSent(back, 3));
  Pass(limits::kSubscriberGrace);
  EXPECT_FALSE(drain_->answered()) << "what it was shown before is not known";
  back->ConfirmAll();
  EXPECT_TRUE(drain_->Await().complete);
}

// Without a hub: it would have as many streams.
TEST(SubscriberLimits, ADrainNamesSoManyLaggardsAndCountsTheOthers) {
  constexpr int kOver = 3;
  DrainWaits waits({.count_watches = [](const discovery::InstanceName& /*name*/, uint64_t /*wait*/, DrainWaits::Parts::Count /*count*/) {},
                    .end_count = nullptr,
                    .count_resolvers = [](const ServiceName& /*service*/) { return 0; }});
  SubscriberTable table([&](Subscription* subscription) { waits.OnDropped(subscription); });
  const ServiceName service{"default", "Printer"};
  std::vector<Subscription*> subscriptions;
  for (int i = 0; i < limits::kLaggardsMax + kOver; ++i) {
    Subscription* const subscription = table.Subscribe(table.Arrive(absl::StrCat("s", i), absl::ZeroDuration()), service);
    subscription->views.AssumeAny();
    subscriptions.push_back(subscription);
  }
  const auto drain = [&](uint64_t number) {
    std::optional<DrainOutcome> outcome;
    waits.Add(number, {.name = {"default", "Printer", "laser"}, .revision = 5, .timeout = absl::Seconds(1)}, table.OfService(service),
              absl::ZeroDuration(), [&](DrainOutcome answer) { outcome = std::move(answer); });
    waits.Serve(absl::Seconds(1));
    waits.Counted(number, 0, absl::Seconds(1));
    EXPECT_TRUE(outcome.has_value());
    return outcome.value_or(DrainOutcome());
  };
  const DrainOutcome over = drain(1);
  EXPECT_FALSE(over.complete);
  EXPECT_EQ(over.laggards.size(), static_cast<size_t>(limits::kLaggardsMax));
  EXPECT_EQ(over.laggards_omitted, kOver);
  for (int i = 0; i < kOver; ++i) {
    subscriptions[i]->views.Begin(nullptr, 5);
    subscriptions[i]->views.Complete(1);
    ASSERT_TRUE(subscriptions[i]->views.Confirm(1));
  }
  const DrainOutcome at_the_bound = drain(2);
  EXPECT_EQ(at_the_bound.laggards.size(), static_cast<size_t>(limits::kLaggardsMax));
  EXPECT_EQ(at_the_bound.laggards_omitted, 0);
}

}  // namespace
}  // namespace scoutlight::server

#include "server/discovery/subscriber_hub.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "gmock/gmock.h"
#include "server/discovery/discovery_conversion.h"
#include "server/discovery/subscriber_hub_fixture.h"

namespace scoutlight::server {
namespace {

using discovery::v1::SubscribeRequest;
using discovery::v1::SubscribeResponse;
using discovery::v1::WatchResponse;
using storage::AwaitCondition;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : DetailsOf(status).value_or(ErrorDetails()).violations) fields.push_back(violation.field);
  return fields;
}

std::vector<discovery::ServiceName> Services(int first, int count) {
  std::vector<discovery::ServiceName> services;
  for (int i = first; i < first + count; ++i) services.push_back({"default", absl::StrCat("s", i)});
  return services;
}

TEST_F(SubscriberHubTest, TheFirstMessageNamesTheSubscriberThenComesASnapshot) {
  Put("laser");
  FakeSubscriber* const named = SubscribeAs("me");
  FakeSubscriber* const drawn = SubscribeAs("");
  ASSERT_TRUE(AwaitSent(named, 3));
  ASSERT_TRUE(AwaitSent(drawn, 3));
  const std::vector<SubscribeResponse> messages = named->messages();
  EXPECT_EQ(messages[0].subscriber_id(), "me");
  EXPECT_FALSE(messages[0].has_frame());
  EXPECT_EQ(drawn->messages()[0].subscriber_id(), "0000000000000001");
  EXPECT_EQ(messages[1].service().cluster(), "default");
  EXPECT_EQ(messages[1].service().service(), "Printer");
  EXPECT_EQ(messages[1].frame().kind(), WatchResponse::KIND_SNAPSHOT);
  EXPECT_EQ(messages[1].frame().changed(0).id(), "laser");
  EXPECT_EQ(messages[2].frame().kind(), WatchResponse::KIND_SNAPSHOT_END);
  EXPECT_EQ(messages[2].frame().revision(), revision_);
  EXPECT_EQ(drawn->asked(), 2) << "the next message is read when this one is taken in";
}

TEST_F(SubscriberHubTest, AllShareTheBytesOfAStep) {
  Put("laser");
  std::vector<FakeSubscriber*> subscribers;
  for (int i = 0; i < 100; ++i) subscribers.push_back(SubscribeAs(absl::StrCat("s", i)));
  for (FakeSubscriber* subscriber : subscribers) ASSERT_TRUE(AwaitSent(subscriber, 3));
  Settle();
  const int64_t before = hub_.frames_made();
  Put("laser");
  for (FakeSubscriber* subscriber : subscribers) ASSERT_TRUE(AwaitSent(subscriber, 4));
  EXPECT_EQ(hub_.frames_made() - before, 1);
  for (FakeSubscriber* subscriber : subscribers) EXPECT_EQ(subscriber->last_bytes(), subscribers[0]->last_bytes());
}

TEST_F(SubscriberHubTest, ASlowOneGetsTheNewestStateAndItsServicesTakeTurns) {
  Put("a", discovery::Status::kUp, "A");
  Put("b", discovery::Status::kUp, "B");
  FakeSubscriber* const slow = Subscribe({.subscriber_id = "slow", .add = {{"default", "A"}, {"default", "B"}}}, false);
  for (size_t i = 1; i <= 5; ++i) {
    ASSERT_TRUE(AwaitSent(slow, i));
    slow->Read();
  }
  Settle();
  Put("a", discovery::Status::kUp, "A");
  ASSERT_TRUE(AwaitSent(slow, 6));
  for (int i = 0; i < 1'000; ++i) {
    Put("a", discovery::Status::kUp, "A");
    Put("b", discovery::Status::kUp, "B");
  }
  const Revision last = revision_;
  std::set<std::string> turns;
  for (size_t i = 7; i <= 8; ++i) {
    slow->Read();
    ASSERT_TRUE(AwaitSent(slow, i));
    const SubscribeResponse message = slow->messages()[i - 1];
    turns.insert(message.service().service());
    EXPECT_GE(message.frame().revision(), last);
  }
  EXPECT_THAT(turns, ElementsAre("A", "B"));
  slow->Read();
  Settle();
  EXPECT_EQ(slow->sent(), 8u);
}

TEST_F(SubscriberHubTest, ServicesComeAndGo) {
  Put("laser");
  FakeSubscriber* const stream = Subscribe({.subscriber_id = "me"});
  ASSERT_TRUE(AwaitSent(stream, 1));
  stream->Send({.add = {{"default", "Printer"}, {"default", "Printer"}}});
  ASSERT_TRUE(AwaitSent(stream, 3));
  stream->Send({.add = {{"default", "Printer"}}});
  Settle();
  EXPECT_EQ(stream->sent(), 3u) << "it is subscribed to already";
  stream->Send({.remove = {{"default", "Printer"}}});
  Settle();
  Put("laser");
  Settle();
  EXPECT_EQ(stream->sent(), 3u);
  stream->Send({.add = {{"default", "Printer"}}});
  ASSERT_TRUE(AwaitSent(stream, 5));
  EXPECT_EQ(stream->messages()[3].frame().kind(), WatchResponse::KIND_SNAPSHOT);
}

TEST_F(SubscriberHubTest, OneHeartbeatSpeaksOfAllServices) {
  Put("laser");
  FakeSubscriber* const stream =
      Subscribe({.subscriber_id = "me", .heartbeat = absl::Seconds(2), .add = {{"default", "Printer"}, {"default", "Book"}}});
  ASSERT_TRUE(AwaitSent(stream, 4));
  Settle();
  Pass(absl::Seconds(1));
  EXPECT_EQ(stream->sent(), 4u);
  Pass(absl::Seconds(1));
  ASSERT_TRUE(AwaitSent(stream, 5));
  const SubscribeResponse beat = stream->messages()[4];
  EXPECT_FALSE(beat.has_service());
  EXPECT_EQ(beat.frame().kind(), WatchResponse::KIND_PROGRESS);
  EXPECT_EQ(beat.frame().revision(), revision_);
}

TEST_F(SubscriberHubTest, AHeartbeatDoesNotSayThatNothingIsMissingWhileThatCannotBeTold) {
  FakeSubscriber* const stream = Subscribe({.subscriber_id = "me", .heartbeat = absl::Seconds(2), .add = {{"default", "Printer"}}});
  ASSERT_TRUE(AwaitSent(stream, 2));
  Settle();
  behind_seconds_ = 1;
  Pass(absl::Seconds(2));
  ASSERT_TRUE(AwaitSent(stream, 3));
  EXPECT_EQ(stream->messages()[2].ByteSizeLong(), 0u);
  behind_seconds_ = 0;
  Pass(absl::Seconds(2));
  ASSERT_TRUE(AwaitSent(stream, 4));
  EXPECT_EQ(stream->messages()[3].frame().kind(), WatchResponse::KIND_PROGRESS);
  // It counts as a message.
  stream->Confirm(4);
  Settle();
  EXPECT_FALSE(stream->end().has_value());
}

TEST_F(SubscriberHubTest, AServerThatHasNothingToShowAndCannotTellIsSilent) {
  loaded_ = false;
  behind_seconds_ = 1;
  FakeSubscriber* const stream = Subscribe({.subscriber_id = "me", .heartbeat = absl::Seconds(2), .add = {{"default", "Printer"}}});
  ASSERT_TRUE(AwaitSent(stream, 1));
  for (int i = 0; i < 3; ++i) Pass(absl::Seconds(2));
  EXPECT_EQ(stream->sent(), 1u);
  loaded_ = true;
  Pass(absl::Seconds(2));
  ASSERT_TRUE(AwaitSent(stream, 3));
  EXPECT_EQ(stream->messages()[1].ByteSizeLong(), 0u);
  EXPECT_EQ(stream->messages()[2].frame().kind(), WatchResponse::KIND_SNAPSHOT_END);
  Settle();
  Pass(absl::Seconds(2));
  ASSERT_TRUE(AwaitSent(stream, 4));
  EXPECT_EQ(stream->messages()[3].ByteSizeLong(), 0u) << "a heartbeat";
}

TEST_F(SubscriberHubTest, AServerThatCannotTellSaysSoBeforeItShowsAnything) {
  Put("laser");
  FakeSubscriber* const before = SubscribeAs("before");
  ASSERT_TRUE(AwaitSent(before, 3));
  behind_seconds_ = 1;
  FakeSubscriber* const after = SubscribeAs("after");
  ASSERT_TRUE(AwaitSent(after, 4));
  EXPECT_EQ(after->messages()[1].ByteSizeLong(), 0u);
  EXPECT_EQ(after->messages()[2].frame().kind(), WatchResponse::KIND_SNAPSHOT);
  // What changes on this server alone is no news of the store.
  Put("laser");
  ASSERT_TRUE(AwaitSent(before, 5));
  EXPECT_EQ(before->messages()[3].ByteSizeLong(), 0u);
  EXPECT_EQ(before->messages()[4].frame().kind(), WatchResponse::KIND_CHANGES);
  // Once is enough until it could tell again.
  Put("laser");
  ASSERT_TRUE(AwaitSent(before, 6));
  EXPECT_EQ(before->messages()[5].frame().kind(), WatchResponse::KIND_CHANGES);
}

TEST_F(SubscriberHubTest, WhatChangesDelaysNoHeartbeat) {
  Put("laser");
  FakeSubscriber* const stream = Subscribe({.subscriber_id = "me", .heartbeat = absl::Seconds(2), .add = {{"default", "Printer"}}});
  ASSERT_TRUE(AwaitSent(stream, 3));
  Pass(absl::Seconds(1));
  Put("laser");
  ASSERT_TRUE(AwaitSent(stream, 4));
  Settle();
  Pass(absl::Seconds(1));
  ASSERT_TRUE(AwaitSent(stream, 5));
  EXPECT_EQ(stream->messages()[4].frame().kind(), WatchResponse::KIND_PROGRESS);
}

TEST_F(SubscriberHubTest, MoreThanWasSentCannotBeConfirmed) {
  FakeSubscriber* const stream = Subscribe({.subscriber_id = "me"});
  ASSERT_TRUE(AwaitSent(stream, 1));
  stream->Confirm(1);
  Settle();
  EXPECT_FALSE(stream->end().has_value());
  stream->Send({.confirmed = 2, .add = {{"default", "Printer"}}});
  ASSERT_TRUE(AwaitEnd(stream));
  EXPECT_EQ(stream->end()->code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(FieldsOf(*stream->end()), ElementsAre("confirmed"));
  EXPECT_THAT(std::string(stream->end()->message()), HasSubstr("is 2, but only 1 messages"));
  EXPECT_EQ(stream->sent(), 1u) << "nothing of it was done";
}

TEST_F(SubscriberHubTest, OnlyTheFirstMessageNames) {
  FakeSubscriber* const named = Subscribe({.subscriber_id = "me"});
  named->Send({.subscriber_id = "you"});
  ASSERT_TRUE(AwaitEnd(named));
  EXPECT_THAT(FieldsOf(*named->end()), ElementsAre("subscriber_id"));
  FakeSubscriber* const beating = Subscribe({.subscriber_id = "other"});
  beating->Send({.heartbeat = absl::Seconds(1)});
  ASSERT_TRUE(AwaitEnd(beating));
  EXPECT_THAT(FieldsOf(*beating->end()), ElementsAre("heartbeat"));
}

TEST_F(SubscriberHubTest, AStreamHasAtMostSoManyServices) {
  FakeSubscriber* const full = Subscribe({.subscriber_id = "full", .add = Services(0, limits::kSubscribedServicesMax)});
  full->Send({.add = Services(0, 1)});
  full->Send({.remove = Services(0, 1), .add = Services(5'000, 1)});
  Settle();
  EXPECT_FALSE(full->end().has_value());
  full->Send({.add = Services(9'000, 1)});
  ASSERT_TRUE(AwaitEnd(full));
  EXPECT_THAT(FieldsOf(*full->end()), ElementsAre("add"));
  EXPECT_THAT(std::string(full->end()->message()), HasSubstr("1001 services"));
}

TEST_F(SubscriberHubTest, ANewStreamTakesThePlaceOfTheOldOne) {
  Put("laser");
  FakeSubscriber* const first = SubscribeAs("me");
  ASSERT_TRUE(AwaitSent(first, 3));
  FakeSubscriber* const second = SubscribeAs("me");
  ASSERT_TRUE(AwaitEnd(first));
  EXPECT_EQ(first->end()->code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(*first->end()), Reason::kFenced);
  ASSERT_TRUE(AwaitSent(second, 3));
  EXPECT_EQ(second->messages()[1].frame().kind(), WatchResponse::KIND_SNAPSHOT);
  Put("laser");
  ASSERT_TRUE(AwaitSent(second, 4));
  EXPECT_EQ(first->sent(), 3u);
}

TEST_F(SubscriberHubTest, OnlyTheSameCallerTakesASubscriberOver) {
  Put("laser");
  FakeSubscriber* const mine = SubscribeAs("me");
  ASSERT_TRUE(AwaitSent(mine, 3));
  for (const bool goodbye : {false, true}) {
    FakeSubscriber* const other = Subscribe({.subscriber_id = "me", .goodbye = goodbye}, true, "host:10.0.0.2");
    ASSERT_TRUE(AwaitEnd(other));
    EXPECT_EQ(other->end()->code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(FieldsOf(*other->end()), ElementsAre("subscriber_id"));
    EXPECT_EQ(other->sent(), 0u);
  }
  EXPECT_FALSE(mine->end().has_value());
  hub_.OnCancelled(mine);
  FakeSubscriber* const early = Subscribe({.subscriber_id = "me"}, true, "host:10.0.0.2");
  ASSERT_TRUE(AwaitEnd(early));
  Pass(limits::kSubscriberGrace);
  FakeSubscriber* const later = Subscribe({.subscriber_id = "me"}, true, "host:10.0.0.2");
  ASSERT_TRUE(AwaitSent(later, 1));
}

TEST_F(SubscriberHubTest, GoodbyeEndsWellAndIsForgotten) {
  Put("laser");
  FakeSubscriber* const leaving = Confirmed("leaving");
  FakeSubscriber* const lost = Confirmed("lost");
  leaving->Send({.goodbye = true});
  hub_.OnCancelled(lost);
  ASSERT_TRUE(AwaitEnd(leaving));
  ASSERT_TRUE(AwaitEnd(lost));
  EXPECT_TRUE(leaving->end()->ok());
  const auto listed = [this] {
    std::vector<std::string> ids;
    std::atomic<bool> done = false;
    hub_.List({.service = {"default", "Printer"}, .subscribers_max = 10}, [&](const SubscribersPage& page) {
      for (const auto& one : page.subscribers) ids.push_back(one.subscriber_id + (one.gone ? " gone" : ""));
      done = true;
    });
    EXPECT_TRUE(AwaitCondition([&] { return done.load(); }));
    return ids;
  };
  EXPECT_THAT(listed(), ElementsAre("lost gone"));
  Pass(limits::kSubscriberGrace);
  EXPECT_THAT(listed(), ElementsAre());
}

TEST_F(SubscriberHubTest, AListIsPaged) {
  for (const char* id : {"a", "b/c", "d"}) Subscribe({.subscriber_id = id, .add = {{"default", "Printer"}}});
  Subscribe({.subscriber_id = "other", .add = {{"default", "Book"}}});
  Settle();
  discovery::v1::ListSubscribersRequest request;
  request.set_service("Printer");
  request.set_page_size(2);
  std::vector<std::string> ids;
  std::vector<size_t> pages;
  while (true) {
    const absl::StatusOr<SubscribersSpec> spec = SubscribersSpecOf(request, "store");
    ASSERT_TRUE(spec.ok()) << spec.status();
    discovery::v1::ListSubscribersResponse response;
    std::atomic<bool> done = false;
    hub_.List(spec->query, [&](const SubscribersPage& page) {
      FillSubscribers(page, spec->query_hash, "store", &response);
      done = true;
    });
    ASSERT_TRUE(AwaitCondition([&] { return done.load(); }));
    pages.push_back(response.subscribers_size());
    for (const auto& one : response.subscribers()) ids.push_back(one.subscriber_id());
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
  }
  EXPECT_THAT(ids, ElementsAre("a", "b/c", "d"));
  EXPECT_EQ(pages[0], 2u);
  request.set_service("Book");
  EXPECT_THAT(FieldsOf(SubscribersSpecOf(request, "store").status()), ElementsAre("page_token"));
}

TEST_F(SubscriberHubTest, ItIsDrainedWhenAllStreamsHaveBeenEnded) {
  for (int i = 0; i < 20; ++i) SubscribeAs(absl::StrCat("s", i));
  std::atomic<int64_t> ended = -1;
  hub_.Drain(absl::UnavailableError("stopping"), [&] {
    ended = std::count_if(streams_.begin(), streams_.end(), [](const auto& stream) { return stream->end().has_value(); });
  });
  ASSERT_TRUE(AwaitCondition([&] { return ended >= 0; }));
  EXPECT_EQ(ended, static_cast<int64_t>(streams_.size()));
}

TEST_F(SubscriberHubTest, StreamsTakePlacesAndDrainEndsThem) {
  FakeSubscriber* const before = SubscribeAs("before");
  FakeSubscriber* const silent = Subscribe(SubscriberMessage(), false);
  ASSERT_TRUE(AwaitSent(before, 2));
  EXPECT_EQ(places_->taken(), 2);
  hub_.Drain(absl::UnavailableError("stopping"));
  FakeSubscriber* const after = SubscribeAs("after");
  for (FakeSubscriber* stream : {before, silent, after}) {
    ASSERT_TRUE(AwaitEnd(stream));
    EXPECT_EQ(stream->end()->code(), absl::StatusCode::kUnavailable);
  }
  for (const auto& stream : streams_) hub_.OnClosed(stream.get());
  EXPECT_TRUE(AwaitCondition([&] { return places_->taken() == 0; }));
}

TEST(SubscriberMessageOf, NamesEveryFieldThatIsWrong) {
  SubscribeRequest request;
  request.set_subscriber_id(std::string(limits::kSubscriberIdBytesMax + 1, 'x'));
  request.mutable_heartbeat()->set_seconds(-1);
  request.add_add()->set_service("Printer");
  request.add_add()->set_service("a/b");
  request.add_remove();
  request.set_confirmed(-1);
  EXPECT_THAT(FieldsOf(SubscriberMessageOf(request).status()),
              ElementsAre("subscriber_id", "heartbeat", "add[1].service", "remove[0].service", "confirmed"));
  request.Clear();
  request.set_subscriber_id(std::string(limits::kSubscriberIdBytesMax, 'x'));
  request.add_add()->set_service("Printer");
  const absl::StatusOr<SubscriberMessage> message = SubscriberMessageOf(request);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->add[0].cluster, "default");
  EXPECT_FALSE(message->heartbeat.has_value());
}

}  // namespace
}  // namespace scoutlight::server

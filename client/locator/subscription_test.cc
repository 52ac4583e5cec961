#include "client/locator/subscription.h"

#include "base/error.h"
#include "client/locator/locator_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Request = discovery::v1::SubscribeRequest;
using Refused = Subscription::Events::Refused;

std::vector<std::string> NamesOf(const google::protobuf::RepeatedPtrField<Request::Service>& services) {
  std::vector<std::string> names;
  for (const Request::Service& service : services) names.push_back(service.service());
  return names;
}

absl::Status Fenced() { return MakeError(absl::StatusCode::kAborted, "taken over", {.reason = Reason::kFenced}); }

class SubscriptionTest : public ::testing::Test {
 protected:
  Subscription::Parts Parts() {
    return {.loop = &loop_,
            .open = streams_.opener(),
            .unit_random = [this] { return random_; },
            .new_id = [this] { return absl::StrCat("id-", ++ids_); }};
  }
  Subscription::Events Events() {
    return {.on_begin = [this] { ++begun_; },
            .on_frame =
                [this](const std::string& service, const Frame& frame) {
                  frames_.push_back(absl::StrCat(service, " ", frame.revision()));
                  return frame_status_;
                },
            .on_progress = [this](const Frame&) { ++progress_; },
            .on_cut_off = [this] { ++cut_off_; },
            .on_end =
                [this](const absl::Status& status, Refused refused) {
                  ends_.push_back(status);
                  refused_ = refused;
                },
            .may_confirm = [this] { return may_confirm_; }};
  }
  // Adds Printer and Scanner; the first message is taken.
  void Begin() {
    subscription_.Add("Printer");
    subscription_.Add("Scanner");
    loop_.RunUntilIdle();
    streams_.newest().TakeSent();
  }
  void Reconnect() { loop_.Advance(Backoff::kMax); }
  void DeliverNamed() {
    discovery::v1::SubscribeResponse named;
    named.set_subscriber_id("drawn");
    streams_.Deliver(named);
  }

  ManualLoop loop_;
  SubscribeStreams streams_{&loop_};
  double random_ = 0.5;
  int ids_ = 0;
  int begun_ = 0;
  int progress_ = 0;
  int cut_off_ = 0;
  bool may_confirm_ = true;
  absl::Status frame_status_;
  std::vector<std::string> frames_;
  std::vector<absl::Status> ends_;
  Refused refused_ = Refused::kNo;
  Subscription subscription_{Parts(), {.cluster = "default", .subscriber_id = "", .heartbeat = absl::Seconds(5)}, Events()};
};

TEST_F(SubscriptionTest, OpensNoStreamForNothing) {
  loop_.Advance(absl::Minutes(1));
  EXPECT_EQ(streams_.opened(), 0);
}

TEST_F(SubscriptionTest, FirstMessageNamesItsServicesAndLeavesItsNameToTheServer) {
  subscription_.Add("Scanner");
  subscription_.Add("Printer");
  loop_.RunUntilIdle();
  ASSERT_EQ(streams_.opened(), 1);
  ASSERT_EQ(streams_.newest().sent().size(), 1);
  const Request& first = streams_.newest().sent()[0];
  EXPECT_EQ(first.subscriber_id(), "");
  EXPECT_EQ(first.heartbeat().seconds(), 5);
  EXPECT_THAT(NamesOf(first.add()), ElementsAre("Printer", "Scanner"));
  EXPECT_EQ(first.add(0).cluster(), "default");
}

TEST_F(SubscriptionTest, WhatIsAddedAndRemovedAtOnceIsOneMessage) {
  Begin();
  subscription_.Add("Copier");
  subscription_.Add("Plotter");
  subscription_.Remove("Printer");
  loop_.RunUntilIdle();
  const std::vector<Request> sent = streams_.newest().TakeSent();
  ASSERT_EQ(sent.size(), 1);
  EXPECT_THAT(NamesOf(sent[0].add()), ElementsAre("Copier", "Plotter"));
  EXPECT_THAT(NamesOf(sent[0].remove()), ElementsAre("Printer"));
}

TEST_F(SubscriptionTest, ConfirmsEachMessageWhenItIsActedOn) {
  Begin();
  DeliverNamed();
  streams_.Deliver(ResponseOf("Printer", SnapshotOf({Up("a")})));
  streams_.Deliver(ResponseOf("Printer", SnapshotEnd(7)));
  EXPECT_THAT(frames_, ElementsAre("Printer 0", "Printer 7"));
  const std::vector<Request> sent = streams_.newest().TakeSent();
  ASSERT_EQ(sent.size(), 3);
  EXPECT_EQ(sent[2].confirmed(), 3);
}

TEST_F(SubscriptionTest, ConfirmsLaterWhatMayNotBeConfirmedYet) {
  Begin();
  may_confirm_ = false;
  streams_.Deliver(ResponseOf("Printer", SnapshotEnd(7)));
  loop_.Advance(10 * Subscription::kFlushPause);
  EXPECT_THAT(streams_.newest().TakeSent(), IsEmpty());
  may_confirm_ = true;
  loop_.Advance(Subscription::kFlushPause);
  const std::vector<Request> sent = streams_.newest().TakeSent();
  ASSERT_EQ(sent.size(), 1);
  EXPECT_EQ(sent[0].confirmed(), 1);
}

TEST_F(SubscriptionTest, AMessageWithoutAFrameSaysThatTheServerIsCutOffUnlessItIsTheFirst) {
  Begin();
  DeliverNamed();
  EXPECT_EQ(cut_off_, 0);
  streams_.Deliver(discovery::v1::SubscribeResponse());
  EXPECT_EQ(cut_off_, 1);
  EXPECT_EQ(streams_.newest().TakeSent().back().confirmed(), 2);
}

TEST_F(SubscriptionTest, SendsNothingMoreWhileTheNetworkTakesNothing) {
  Begin();
  streams_.newest().set_unsent(Subscription::kUnsentMax);
  for (int i = 0; i < 100; ++i) streams_.Deliver(ResponseOf("Printer", Changes(7 + i, {})));
  EXPECT_THAT(streams_.newest().TakeSent(), IsEmpty());
  streams_.newest().set_unsent(Subscription::kUnsentMax - 1);
  loop_.Advance(Subscription::kFlushPause);
  const std::vector<Request> sent = streams_.newest().TakeSent();
  ASSERT_EQ(sent.size(), 1);
  EXPECT_EQ(sent[0].confirmed(), 100);
}

TEST_F(SubscriptionTest, CutStreamIsOpenedAnewWithAllServicesAndTheSameId) {
  Begin();
  DeliverNamed();
  streams_.Deliver(ResponseOf("Printer", SnapshotEnd(7)));
  streams_.End(absl::UnavailableError("gone"));
  ASSERT_EQ(ends_.size(), 1);
  subscription_.Add("Copier");
  Reconnect();
  ASSERT_EQ(streams_.opened(), 2);
  EXPECT_EQ(begun_, 2);
  const Request& first = streams_.newest().sent()[0];
  EXPECT_EQ(first.subscriber_id(), "drawn");
  EXPECT_THAT(NamesOf(first.add()), ElementsAre("Copier", "Printer", "Scanner"));
  // Messages are counted anew.
  streams_.newest().TakeSent();
  streams_.Deliver(ResponseOf("Printer", SnapshotEnd(9)));
  EXPECT_EQ(streams_.newest().TakeSent().at(0).confirmed(), 1);
}

TEST_F(SubscriptionTest, TriesForEverWithinThePace) {
  random_ = 0.999;
  Begin();
  for (int i = 0; i < 50; ++i) {
    const int opened = streams_.opened();
    streams_.End(absl::UnavailableError("gone"));
    EXPECT_EQ(streams_.opened(), opened);
    loop_.Advance(Backoff::kMax);
    EXPECT_EQ(streams_.opened(), opened + 1);
  }
  EXPECT_EQ(refused_, Refused::kNo);
}

TEST_F(SubscriptionTest, ServersWordWhenToTryAgainIsKept) {
  random_ = 0;
  Begin();
  streams_.End(MakeError(absl::StatusCode::kResourceExhausted, "full", {.reason = Reason::kStreamsFull, .retry_after = absl::Seconds(7)}));
  loop_.Advance(absl::Seconds(7) - absl::Milliseconds(1));
  EXPECT_EQ(streams_.opened(), 1);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(streams_.opened(), 2);
}

TEST_F(SubscriptionTest, IdThatAnotherHasTakenIsDrawnAnew) {
  Begin();
  DeliverNamed();
  streams_.End(Fenced());
  Reconnect();
  EXPECT_EQ(streams_.newest().sent()[0].subscriber_id(), "id-1");
  streams_.End(InvalidField(Reason::kInvalidField, "subscriber_id", "is another caller's"));
  EXPECT_EQ(refused_, Refused::kNo);
  Reconnect();
  EXPECT_EQ(streams_.newest().sent()[0].subscriber_id(), "id-2");
}

TEST_F(SubscriptionTest, OneThatWasNotNamedYetComesForTheFirstTimeAgain) {
  Begin();
  streams_.End(absl::UnavailableError("gone"));
  Reconnect();
  ASSERT_EQ(streams_.opened(), 2);
  EXPECT_EQ(streams_.newest().sent()[0].subscriber_id(), "");
}

TEST_F(SubscriptionTest, OneThatActsOnSomethingBeforeHasAName) {
  subscription_.Add("Printer", Subscription::Acts::kYes);
  loop_.RunUntilIdle();
  EXPECT_EQ(streams_.newest().sent()[0].subscriber_id(), "id-1");
}

TEST_F(SubscriptionTest, OneThatCameWithoutANameComesAnewToActOnSomethingBefore) {
  Begin();
  DeliverNamed();
  subscription_.Add("Copier", Subscription::Acts::kYes);
  loop_.RunUntilIdle();
  ASSERT_EQ(streams_.opened(), 2);
  EXPECT_TRUE(streams_.at(0).is_cancelled());
  const Request& first = streams_.newest().sent()[0];
  EXPECT_EQ(first.subscriber_id(), "drawn");
  EXPECT_THAT(NamesOf(first.add()), ElementsAre("Copier", "Printer", "Scanner"));
  subscription_.Add("Plotter", Subscription::Acts::kYes);
  loop_.RunUntilIdle();
  EXPECT_EQ(streams_.opened(), 2) << "this one has come with a name";
}

TEST_F(SubscriptionTest, OneThatActsOnSomethingBeforeDoesNotWaitForTheServersName) {
  Begin();
  subscription_.Add("Copier", Subscription::Acts::kYes);
  loop_.RunUntilIdle();
  ASSERT_EQ(streams_.opened(), 2);
  EXPECT_EQ(streams_.newest().sent()[0].subscriber_id(), "id-1");
}

TEST_F(SubscriptionTest, RefusalIsToldAndTriedAtTheSlowestPace) {
  random_ = 0;
  Begin();
  streams_.End(absl::PermissionDeniedError("no"));
  EXPECT_EQ(refused_, Refused::kYes);
  loop_.Advance(Backoff::kMax / 2 - absl::Milliseconds(1));
  EXPECT_EQ(streams_.opened(), 1);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(streams_.opened(), 2);
}

TEST_F(SubscriptionTest, SilentStreamIsGivenUp) {
  Begin();
  loop_.Advance(absl::Seconds(10));
  streams_.Deliver(ResponseOf("", MakeFrame(Frame::KIND_PROGRESS, 7)));
  EXPECT_EQ(progress_, 1);
  loop_.Advance(absl::Seconds(14));
  EXPECT_EQ(streams_.opened(), 1);
  loop_.Advance(absl::Seconds(1));
  EXPECT_TRUE(streams_.at(0).is_cancelled());
  EXPECT_EQ(streams_.given_up(), 1);
  Reconnect();
  EXPECT_EQ(streams_.opened(), 2);
}

TEST_F(SubscriptionTest, FrameThatCannotBeGoneOnWithBeginsAnew) {
  Begin();
  frame_status_ = absl::InternalError("out of order");
  streams_.Deliver(ResponseOf("Printer", Changes(7, {})));
  EXPECT_TRUE(streams_.at(0).is_cancelled());
  Reconnect();
  EXPECT_EQ(streams_.opened(), 2);
}

TEST_F(SubscriptionTest, ServiceRemovedAndAddedAgainComesOnAnotherStream) {
  Begin();
  subscription_.Remove("Printer");
  loop_.RunUntilIdle();
  streams_.Deliver(ResponseOf("Printer", Changes(7, {})));
  EXPECT_THAT(frames_, IsEmpty());
  subscription_.Add("Printer");
  loop_.RunUntilIdle();
  EXPECT_EQ(streams_.opened(), 2);
  EXPECT_TRUE(streams_.at(0).is_cancelled());
}

TEST_F(SubscriptionTest, ServiceAddedAgainBeforeItsRemovalWasSentIsToldAnew) {
  Begin();
  const int opened = streams_.opened();
  subscription_.Remove("Printer");
  subscription_.Add("Printer");
  loop_.RunUntilIdle();
  EXPECT_EQ(streams_.opened(), opened + 1);
  const std::vector<Request> sent = streams_.newest().TakeSent();
  ASSERT_EQ(sent.size(), 1);
  ASSERT_EQ(sent[0].add_size(), 2) << "all that it follows";
  EXPECT_EQ(sent[0].add(0).service(), "Printer");
  streams_.Deliver(ResponseOf("Printer", SnapshotEnd(7)));
  EXPECT_THAT(frames_, ElementsAre("Printer 7"));
}

TEST_F(SubscriptionTest, GoodbyeIsTheLastMessageAndEndsWithTheStream) {
  Begin();
  streams_.Deliver(ResponseOf("Printer", SnapshotEnd(7)));
  streams_.newest().TakeSent();
  bool done = false;
  subscription_.Goodbye([&done] { done = true; });
  loop_.RunUntilIdle();
  EXPECT_FALSE(done);
  const std::vector<Request> sent = streams_.newest().TakeSent();
  ASSERT_EQ(sent.size(), 1);
  EXPECT_TRUE(sent[0].goodbye());
  EXPECT_TRUE(streams_.newest().is_sending_closed());
  streams_.Deliver(ResponseOf("Printer", Changes(8, {})));
  EXPECT_EQ(frames_.size(), 1);
  streams_.End(absl::OkStatus());
  EXPECT_TRUE(done);
  loop_.Advance(absl::Minutes(1));
  EXPECT_EQ(streams_.opened(), 1);
}

TEST_F(SubscriptionTest, GoodbyeWithoutStreamIsDoneAtOnce) {
  Begin();
  streams_.End(absl::UnavailableError("gone"));
  bool done = false;
  subscription_.Goodbye([&done] { done = true; });
  EXPECT_FALSE(done);
  loop_.RunUntilIdle();
  EXPECT_TRUE(done);
  loop_.Advance(absl::Minutes(1));
  EXPECT_EQ(streams_.opened(), 1);
}

}  // namespace
}  // namespace scoutlight::client

#include "server/discovery/subscriber_views.h"

#include <memory>

#include "gtest/gtest.h"

namespace scoutlight::server {
namespace {

using discovery::Status;

discovery::SnapshotPtr With(Revision revision, const std::string& id, Status status = Status::kUp) {
  auto instance = std::make_shared<discovery::Instance>();
  instance->name = {"c", "s", id};
  instance->status = status;
  return discovery::ServiceSnapshot().With({{id, instance}}, revision);
}

TEST(SubscriberViews, OneWhoseViewsNeverHeldAnInstanceDoesNotActOnIt) {
  SubscriberViews views;
  EXPECT_FALSE(views.MayActOn("i", 10));
  views.Begin(With(5, "other"), 5);
  views.Complete(2);
  EXPECT_FALSE(views.MayActOn("i", 10));
  EXPECT_TRUE(views.MayActOn("other", 10));
  EXPECT_FALSE(views.MayActOn("other", 5)) << "it was draining in this view already, or was put up again";
}

TEST(SubscriberViews, AnInstanceThatWasSeenDrainingGetsNoWork) {
  SubscriberViews views;
  views.Begin(With(5, "i", Status::kDraining), 5);
  views.Complete(2);
  EXPECT_FALSE(views.MayActOn("i", 10));
}

TEST(SubscriberViews, AViewCountsFromItsFirstMessageAndIsConfirmedByItsLast) {
  SubscriberViews views;
  views.Begin(With(5, "i"), 5);
  EXPECT_TRUE(views.MayActOn("i", 10));
  views.Complete(3);
  views.Begin(With(10, "i", Status::kDraining), 10);
  views.Complete(5);
  EXPECT_TRUE(views.Confirm(3));
  EXPECT_FALSE(views.Confirm(4)) << "a part of the next one";
  EXPECT_TRUE(views.MayActOn("i", 10));
  EXPECT_TRUE(views.Confirm(5));
  EXPECT_FALSE(views.MayActOn("i", 10));
}

TEST(SubscriberViews, OneThatIsAlwaysLateGetsOn) {
  SubscriberViews views;
  int64_t message = 0;
  const auto show = [&](Revision revision, Status status) {
    views.Begin(With(revision, "i", status), revision);
    views.Complete(++message);
  };
  show(1, Status::kUp);
  int rounds = 0;
  for (Revision revision = 10; views.MayActOn("i", 10); ++revision) {
    ASSERT_LT(++rounds, 20) << "it confirms, and is held back all the same";
    show(revision, Status::kDraining);
    if (message > 5) views.Confirm(message - 5);
  }
}

TEST(SubscriberViews, WhatWasFoldedCountsAsIfItHadHeldEveryInstance) {
  SubscriberViews views;
  views.Begin(With(1, "a"), 1);
  views.Complete(1);
  views.Begin(With(2, "b"), 2);
  views.Complete(2);
  views.Begin(With(3, "i"), 3);
  views.Complete(3);
  EXPECT_FALSE(views.MayActOn("x", 10));
  views.Begin(With(10, "i", Status::kDraining), 10);
  views.Complete(4);
  EXPECT_TRUE(views.MayActOn("i", 10)) << "the view at 3 is not kept, and yet may be acted on";
  views.Confirm(2);
  EXPECT_FALSE(views.MayActOn("x", 2));
  views.Confirm(4);
  EXPECT_FALSE(views.MayActOn("i", 10));
}

TEST(SubscriberViews, AnotherStreamMustConfirmWhatTheOneBeforeLeft) {
  SubscriberViews views;
  views.Begin(With(5, "i"), 5);
  views.Restart();
  EXPECT_FALSE(views.Confirm(1'000)) << "numbers of another stream";
  EXPECT_TRUE(views.MayActOn("i", 10));
  for (int streams = 0; streams < 10; ++streams) {
    views.Begin(With(10, "i", Status::kDraining), 10);
    views.Restart();
  }
  EXPECT_TRUE(views.MayActOn("i", 10));
  views.Begin(With(12, "i", Status::kDraining), 12);
  views.Complete(2);
  views.Confirm(2);
  EXPECT_FALSE(views.MayActOn("i", 10));
}

TEST(SubscriberViews, AnythingIsAssumedUntilAViewIsConfirmed) {
  SubscriberViews views;
  views.AssumeAny();
  EXPECT_TRUE(views.MayActOn("i", 1));
  views.Begin(With(7, "other"), 7);
  views.Complete(1);
  EXPECT_TRUE(views.MayActOn("i", 7));
  views.Confirm(1);
  EXPECT_FALSE(views.MayActOn("i", 7));
}

}  // namespace
}  // namespace scoutlight::server

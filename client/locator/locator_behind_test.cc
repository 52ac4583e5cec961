// What a locator does whose server is behind its store, or behind another server.
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/locator/locator_core.h"
#include "client/locator/locator_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

// To a server of the same store that has only come to `revision`.
void Move(LocatorFixture* locator, Revision revision) {
  locator->streams.End(absl::UnavailableError("gone"));
  locator->loop.Advance(Backoff::kMax);
  locator->Deliver(SnapshotOf({Up("before")}));
  locator->Deliver(SnapshotEnd(revision));
}

// A heartbeat of a server that does not reach its store.
void DeliverCutOff(LocatorFixture* locator) { locator->streams.Deliver(discovery::v1::SubscribeResponse()); }

// The first message of a stream.
void DeliverNamed(LocatorFixture* locator) {
  discovery::v1::SubscribeResponse named;
  named.set_subscriber_id("drawn");
  locator->streams.Deliver(named);
}

// Such a server for so long, of which each second has a heartbeat.
void PassCutOff(LocatorFixture* locator, int seconds) {
  for (int i = 0; i < seconds; ++i) {
    DeliverCutOff(locator);
    locator->loop.Advance(absl::Seconds(1));
  }
}

TEST(LocatorBehind, AServerThatIsBehindTakesNothingBackForAWhile) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 20), "");
  Move(&locator, 19);
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a"}));
  EXPECT_EQ(locator.core->AgeOf("Printer"), Backoff::kMax);
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 20), "");
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"before"}));
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::ZeroDuration());

  locator.Deliver(Changes(21, {Up("b")}, {"before"}));
  Move(&locator, 19);
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"b"}));
  for (const auto& shown : {"b", "before"}) {
    locator.loop.Advance(absl::Seconds(5));
    EXPECT_EQ(locator.Picked(), (std::set<std::string>{"b"}));
    locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 20), "");
    locator.loop.Advance(LocatorFeeds::kLook);
    EXPECT_EQ(locator.Picked(), (std::set<std::string>{shown}));
  }
}

TEST(LocatorBehind, AServerThatCannotTellTakesNothingBackAndIsLeft) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  Move(&locator, 9);
  const int opened = locator.streams.opened();
  for (int i = 0; i < 2; ++i) {
    locator.loop.Advance(absl::Seconds(4));
    DeliverCutOff(&locator);
  }
  EXPECT_EQ(locator.streams.given_up(), 0);
  locator.loop.Advance(ServiceFeed::kOlderMax);
  EXPECT_EQ(locator.streams.given_up(), 1);
  locator.loop.Advance(Backoff::kMax);
  EXPECT_EQ(locator.streams.opened(), opened + 1);
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a"}));
}

TEST(LocatorBehind, AServerThatTellsOfAnotherServiceIsNotLeft) {
  LocatorFixture locator;
  ASSERT_TRUE(locator.core->Follow({"Scanner"}).ok());
  locator.Follow({Up("a")});
  locator.Deliver(SnapshotEnd(8), "Scanner");
  Move(&locator, 9);
  locator.Deliver(SnapshotEnd(9), "Scanner");
  locator.loop.Advance(absl::Seconds(4));
  locator.Deliver(Changes(10, {Up("scanner")}), "Scanner");
  locator.loop.Advance(absl::Seconds(8));
  EXPECT_EQ(locator.streams.given_up(), 0);
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a"}));
}

// Also of a service that is added when its server has said how far its store is.
TEST(LocatorBehind, AServerIsNotLeftWithinALongSnapshotOfAnotherService) {
  for (const bool has_spoken : {false, true}) {
    LocatorFixture locator;
    ASSERT_TRUE(locator.core->Follow({"Scanner"}).ok());
    locator.Follow({Up("a")});
    locator.Deliver(SnapshotEnd(8), "Scanner");
    Move(&locator, 9);
    if (has_spoken) locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 9), "");
    for (const char* id : {"x", "y", "z"}) {
      locator.loop.Advance(absl::Seconds(5));
      locator.Deliver(SnapshotOf({Up(id)}), "Scanner");
    }
    EXPECT_EQ(locator.streams.given_up(), 0);
    EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a"}));
  }
}

TEST(LocatorBehind, WhatIsHeldBackIsNotConfirmed) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  EXPECT_EQ(locator.confirmed(), 2);
  Move(&locator, 9);
  locator.loop.Advance(absl::Seconds(1));
  EXPECT_EQ(locator.confirmed(), 1) << "not the message that completes the snapshot";
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 10), "");
  locator.loop.Advance(Subscription::kFlushPause);
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"before"}));
  EXPECT_EQ(locator.confirmed(), 3);
}

TEST(LocatorBehind, WhatAStreamHeldBackEndsWithIt) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  Move(&locator, 9);
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 9), "");
  locator.loop.Advance(absl::Seconds(5));
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 9), "");
  locator.streams.End(MakeError(absl::StatusCode::kUnavailable, "gone", {.retry_after = absl::Seconds(7)}));
  locator.loop.Advance(absl::Seconds(5));
  EXPECT_FALSE(locator.streams.is_open());
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a"}));
}

TEST(LocatorBehind, WhatAServerShowsThatDoesNotReachItsStoreIsNotCurrent) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  for (int i = 0; i < 3; ++i) {
    locator.loop.Advance(absl::Seconds(4));
    DeliverCutOff(&locator);
    // Something that is in no store.
    locator.Deliver(Changes(10, {Up("a", {{"zone", absl::StrCat(i)}})}));
  }
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::Seconds(12));
  EXPECT_EQ(locator.Try()->instance().properties.at("zone"), "2");
  locator.Deliver(Changes(11, {Up("b")}));
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::ZeroDuration());
}

TEST(LocatorBehind, AServerThatIsCutOffForGoodIsLeftForOneThatReachesItsStore) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  PassCutOff(&locator, 14);
  EXPECT_EQ(locator.streams.given_up(), 0) << "an election is no reason";
  PassCutOff(&locator, 2);
  EXPECT_EQ(locator.streams.given_up(), 1);
  locator.loop.Advance(Backoff::kMax);
  ASSERT_TRUE(locator.streams.is_open());
  DeliverNamed(&locator);
  locator.Deliver(SnapshotOf({Up("b")}));
  locator.Deliver(SnapshotEnd(12));
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"b"}));
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::ZeroDuration());
  locator.loop.Advance(LocatorFeeds::kCutOffMax - absl::Seconds(1));
  EXPECT_EQ(locator.streams.given_up(), 1);
}

TEST(LocatorBehind, AServerThatReachesItsStoreAgainIsNotLeft) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  for (int i = 0; i < 3; ++i) {
    PassCutOff(&locator, 14);
    locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 10), "");
    EXPECT_EQ(locator.core->AgeOf("Printer"), absl::ZeroDuration());
  }
  EXPECT_EQ(locator.streams.given_up(), 0);
}

TEST(LocatorBehind, WhereNoServerReachesTheStoreEachIsStayedWithForLonger) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  int seconds = 0;
  for (int doublings : {0, 1, 2, 3, 4, 4}) {
    SCOPED_TRACE(doublings);
    const int left = locator.streams.given_up();
    const int patience = (1 << doublings) * static_cast<int>(LocatorFeeds::kCutOffMax / absl::Seconds(1));
    PassCutOff(&locator, patience - 1);
    EXPECT_EQ(locator.streams.given_up(), left);
    PassCutOff(&locator, 2);
    EXPECT_EQ(locator.streams.given_up(), left + 1);
    seconds += patience + 1;
    locator.loop.Advance(Backoff::kMax);
    seconds += static_cast<int>(Backoff::kMax / absl::Seconds(1));
    DeliverNamed(&locator);
    DeliverCutOff(&locator);
    locator.Deliver(SnapshotOf({Up("a")}));
    locator.Deliver(SnapshotEnd(10));
    EXPECT_EQ(locator.core->AgeOf("Printer"), absl::Seconds(seconds)) << "what it has sent is no newer";
  }
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 10), "");
  const int left = locator.streams.given_up();
  PassCutOff(&locator, 16);
  EXPECT_EQ(locator.streams.given_up(), left + 1) << "one that reached it ends that";
}

TEST(LocatorBehind, WhatNobodyHasSaidToBeCurrentIsNotActedOnWhereAnAgeIsAsked) {
  LocatorFixture locator({.age_max = absl::Seconds(60)});
  ASSERT_TRUE(locator.core->Follow({"Printer"}).ok());
  locator.loop.RunUntilIdle();
  DeliverNamed(&locator);
  DeliverCutOff(&locator);
  locator.Deliver(SnapshotOf({Up("a")}));
  locator.Deliver(SnapshotEnd(10));
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::InfiniteDuration());
  locator.loop.Advance(LocatorFeeds::kLook);
  EXPECT_EQ(locator.TryId(), "CATALOG_LOADING");
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 10), "");
  EXPECT_EQ(locator.TryId(), "a");
}

}  // namespace
}  // namespace scoutlight::client

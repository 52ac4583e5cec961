#include "client/locator/service_feed.h"

#include "client/locator/locator_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

using ::testing::ElementsAre;

constexpr absl::Duration kGrace = absl::Seconds(30);

// Takes a frame that is in order; whether it shows.
bool Take(ServiceFeed* feed, const Frame& frame, absl::Duration now = absl::ZeroDuration()) {
  const absl::StatusOr<bool> shows = feed->Take(frame, now);
  EXPECT_TRUE(shows.ok()) << shows.status();
  return shows.ok() && *shows;
}

ServiceFeed WithAAndB() {
  ServiceFeed feed(kGrace);
  Take(&feed, SnapshotOf({Up("a"), Up("b")}));
  Take(&feed, SnapshotEnd(10));
  return feed;
}

TEST(ServiceFeed, SnapshotShowsWhenItIsWhole) {
  ServiceFeed feed(kGrace);
  EXPECT_FALSE(Take(&feed, SnapshotOf({Up("a")})));
  EXPECT_FALSE(Take(&feed, SnapshotOf({Up("b")})));
  EXPECT_EQ(feed.snapshot(), nullptr);
  EXPECT_FALSE(feed.current());
  EXPECT_TRUE(Take(&feed, SnapshotEnd(10)));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b"));
  EXPECT_TRUE(feed.current());
  EXPECT_EQ(feed.snapshot()->revision(), 10);
}

TEST(ServiceFeed, EmptySnapshotShows) {
  ServiceFeed feed(kGrace);
  EXPECT_TRUE(Take(&feed, SnapshotEnd(10)));
  ASSERT_NE(feed.snapshot(), nullptr);
  EXPECT_EQ(feed.snapshot()->size(), 0);
}

TEST(ServiceFeed, StepOfFragmentsShowsAtOnce) {
  ServiceFeed feed = WithAAndB();
  Frame fragment = Changes(10, {Up("c")}, {"a"});
  fragment.set_fragment(true);
  EXPECT_FALSE(Take(&feed, fragment));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b"));
  EXPECT_TRUE(Take(&feed, Changes(12, {Up("d")})));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("b", "c", "d"));
}

TEST(ServiceFeed, StepThatWasCutOffIsNotMixedWithTheNextStream) {
  ServiceFeed feed = WithAAndB();
  Frame fragment = Changes(10, {Up("c")}, {"a"});
  fragment.set_fragment(true);
  Take(&feed, fragment);
  feed.Restart();
  EXPECT_FALSE(feed.current());
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b"));
  Take(&feed, SnapshotOf({Up("a"), Up("d")}));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b"));
  EXPECT_TRUE(Take(&feed, SnapshotEnd(20)));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "d"));
}

TEST(ServiceFeed, SnapshotOfTheSameInstancesShowsNothingNew) {
  ServiceFeed feed = WithAAndB();
  const discovery::SnapshotPtr before = feed.snapshot();
  feed.Restart();
  Take(&feed, SnapshotOf({Up("a"), Up("b")}));
  EXPECT_FALSE(Take(&feed, SnapshotEnd(20)));
  EXPECT_EQ(feed.snapshot(), before);
  EXPECT_TRUE(feed.current());
}

TEST(ServiceFeed, ReplacedStoreKeepsWhoTookWorkForTheGrace) {
  ServiceFeed feed(kGrace);
  Take(&feed, SnapshotOf({Up("a"), Up("b"), Draining("c")}));
  Take(&feed, SnapshotEnd(10));
  feed.Restart();
  Take(&feed, SnapshotOf({Up("d")}, kOtherStore));
  EXPECT_TRUE(Take(&feed, SnapshotEnd(3, kOtherStore), absl::Seconds(100)));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b", "d"));
  EXPECT_EQ(feed.kept(), 2);
  // One that the other store knows is as that store says from then on.
  EXPECT_TRUE(Take(&feed, Changes(4, {Draining("a")}), absl::Seconds(101)));
  EXPECT_TRUE(Take(&feed, Changes(5, {}, {"a"}), absl::Seconds(102)));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("b", "d"));
  EXPECT_FALSE(feed.EndGrace(absl::Seconds(129)));
  EXPECT_TRUE(feed.EndGrace(absl::Seconds(130)));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("d"));
  EXPECT_EQ(feed.kept(), 0);
}

TEST(ServiceFeed, ReconnectWithinTheGraceDoesNotLengthenIt) {
  ServiceFeed feed = WithAAndB();
  feed.Restart();
  EXPECT_TRUE(Take(&feed, SnapshotEnd(3, kOtherStore), absl::Seconds(100)));
  feed.Restart();
  EXPECT_FALSE(Take(&feed, SnapshotEnd(4, kOtherStore), absl::Seconds(120)));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b"));
  EXPECT_TRUE(feed.EndGrace(absl::Seconds(130)));
}

TEST(ServiceFeed, WithoutGraceNobodyIsKept) {
  ServiceFeed feed(absl::ZeroDuration());
  Take(&feed, SnapshotOf({Up("a")}));
  Take(&feed, SnapshotEnd(10));
  feed.Restart();
  EXPECT_TRUE(Take(&feed, SnapshotEnd(3, kOtherStore)));
  EXPECT_EQ(feed.snapshot()->size(), 0);
}

// The same store by another server, which has come to 8 only.
ServiceFeed WithAAndBThenOlder() {
  ServiceFeed feed = WithAAndB();
  feed.Restart();
  Take(&feed, SnapshotOf({Up("a"), Draining("b"), Up("old")}));
  EXPECT_FALSE(Take(&feed, SnapshotEnd(8), absl::Seconds(100)));
  return feed;
}

TEST(ServiceFeed, WhatIsOlderIsNotShownUntilItHasComeAsFar) {
  ServiceFeed feed = WithAAndBThenOlder();
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b"));
  EXPECT_FALSE(feed.current());
  const discovery::InstancePtr a = feed.snapshot()->Find("a");
  EXPECT_FALSE(Take(&feed, Changes(9, {Up("b")}), absl::Seconds(101)));
  EXPECT_FALSE(Take(&feed, Changes(9, {}, {"none"}), absl::Seconds(101)));
  EXPECT_TRUE(Take(&feed, Changes(10, {Up("c")}, {"old"}), absl::Seconds(102)));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b", "c"));
  EXPECT_EQ(feed.snapshot()->Find("a"), a) << "as it was";
  EXPECT_TRUE(feed.current());
}

TEST(ServiceFeed, WhatHasComeAsFarWithoutAChangeIsShown) {
  ServiceFeed feed = WithAAndBThenOlder();
  EXPECT_FALSE(feed.Reach(9, kStore));
  EXPECT_FALSE(feed.current());
  EXPECT_FALSE(feed.Reach(10, kOtherStore));
  EXPECT_TRUE(feed.Reach(10, kStore));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b", "old"));
  EXPECT_TRUE(feed.current());
}

TEST(ServiceFeed, HowFarAServerWasCountsThoughNothingChanged) {
  ServiceFeed feed = WithAAndB();
  EXPECT_FALSE(feed.Reach(20, kStore));
  feed.Restart();
  EXPECT_FALSE(Take(&feed, SnapshotEnd(19)));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b"));
  EXPECT_TRUE(feed.Reach(20, kStore));
  EXPECT_EQ(feed.snapshot()->size(), 0);
}

TEST(ServiceFeed, WhatServersGoOnSayingIsOlderIsShownAfterAWhileOverAllStreams) {
  ServiceFeed feed = WithAAndBThenOlder();
  EXPECT_FALSE(feed.EndOlder(absl::Seconds(101)));
  EXPECT_FALSE(feed.EndOlder(absl::Seconds(101) + ServiceFeed::kOlderMax - absl::Milliseconds(1)));
  feed.Restart();
  EXPECT_FALSE(feed.EndOlder(absl::Seconds(200))) << "the stream has sent nothing";
  Take(&feed, SnapshotOf({Up("old")}));
  EXPECT_FALSE(Take(&feed, SnapshotEnd(9), absl::Seconds(200))) << "its server may not reach the store";
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b"));
  EXPECT_TRUE(feed.EndOlder(absl::Seconds(101) + ServiceFeed::kOlderMax)) << "one has said less since 101";
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("old"));
  EXPECT_TRUE(feed.current());
  // From then on that is what is known.
  feed.Restart();
  EXPECT_TRUE(Take(&feed, SnapshotEnd(9), absl::Seconds(300)));
  EXPECT_EQ(feed.snapshot()->size(), 0);
}

TEST(ServiceFeed, WhatIsOlderIsNotShownByTimeAlone) {
  ServiceFeed feed = WithAAndBThenOlder();
  EXPECT_FALSE(feed.EndGrace(absl::Seconds(1'000)));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b"));
  // The first word after a long silence is not one that has gone on for a while.
  EXPECT_FALSE(feed.EndOlder(absl::Seconds(1'000)));
  EXPECT_TRUE(feed.holds_older());
  EXPECT_TRUE(feed.EndOlder(absl::Seconds(1'000) + ServiceFeed::kOlderMax));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b", "old"));
  EXPECT_FALSE(feed.holds_older());
}

TEST(ServiceFeed, WhatIsOlderIsNotShownWithinAStepThatMayBringTheRest) {
  ServiceFeed feed = WithAAndBThenOlder();
  EXPECT_FALSE(feed.EndOlder(absl::Seconds(101)));
  Frame fragment = Changes(8, {Draining("a")}, {"old"});
  fragment.set_fragment(true);
  EXPECT_FALSE(Take(&feed, fragment, absl::Seconds(110)));
  EXPECT_FALSE(feed.EndOlder(absl::Seconds(110)));
  EXPECT_FALSE(feed.Reach(10, kStore));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b"));
  EXPECT_TRUE(Take(&feed, Changes(10, {Up("c")}), absl::Seconds(110)));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b", "c"));
  EXPECT_EQ(feed.snapshot()->Find("a")->status, discovery::Status::kDraining);
}

TEST(ServiceFeed, AnotherStoreIsNotOlder) {
  ServiceFeed feed = WithAAndBThenOlder();
  feed.Restart();
  Take(&feed, SnapshotOf({Up("c")}, kOtherStore));
  EXPECT_TRUE(Take(&feed, SnapshotEnd(3, kOtherStore), absl::Seconds(101)));
  EXPECT_THAT(IdsOf(feed.snapshot()), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(feed.current());
}

TEST(ServiceFeed, SeedShowsUntilTheServerTellsAndIsNotKept) {
  ServiceFeed seeded(kGrace);
  seeded.Seed(WithAAndB().snapshot());
  EXPECT_FALSE(seeded.told());
  EXPECT_THAT(IdsOf(seeded.snapshot()), ElementsAre("a", "b"));
  Take(&seeded, SnapshotOf({Up("c")}, kOtherStore));
  EXPECT_TRUE(Take(&seeded, SnapshotEnd(3, kOtherStore)));
  EXPECT_THAT(IdsOf(seeded.snapshot()), ElementsAre("c"));
  EXPECT_TRUE(seeded.told());
}

TEST(ServiceFeed, FramesOutOfOrderAreRefused) {
  ServiceFeed feed(kGrace);
  EXPECT_TRUE(absl::IsInternal(feed.Take(Changes(5, {Up("a")}), absl::ZeroDuration()).status()));
  ServiceFeed whole = WithAAndB();
  EXPECT_TRUE(absl::IsInternal(whole.Take(SnapshotOf({Up("a")}), absl::ZeroDuration()).status()));
  EXPECT_THAT(IdsOf(whole.snapshot()), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace scoutlight::client

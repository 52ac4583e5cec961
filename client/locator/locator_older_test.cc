// What shows a locator whether a server that says less than one before reaches its store.
#include <set>
#include <string>

#include "client/locator/locator_core.h"
#include "client/locator/locator_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

const std::set<std::string> kKnown = {"a"};

// Follows Printer, of which kKnown is shown, and Scanner, over a second server that is behind: it has sent the snapshot of Printer, which
// is held back, and nothing of Scanner.
void BeginBehind(LocatorFixture* locator) {
  ASSERT_TRUE(locator->core->Follow({"Scanner"}).ok());
  locator->Follow({Up("a")});
  locator->Deliver(SnapshotEnd(8), "Scanner");
  locator->streams.End(absl::UnavailableError("gone"));
  locator->loop.Advance(Backoff::kMax);
  locator->Deliver(SnapshotOf({Up("before")}));
  locator->Deliver(SnapshotEnd(9));
}

Frame Fragment(Revision revision, const std::string& id) {
  Frame frame = Changes(revision, {Up(id)});
  frame.set_fragment(true);
  return frame;
}

// Between frames. Two of them are longer than a server is listened to that says nothing.
constexpr absl::Duration kPause = absl::Seconds(5);

TEST(LocatorOlder, ChangesAtARevisionOfBeforeDoNotShowThatTheStoreIsReached) {
  LocatorFixture locator;
  BeginBehind(&locator);
  locator.Deliver(SnapshotEnd(9), "Scanner");
  locator.loop.Advance(absl::Seconds(1));
  // As when the hold of a lost instance ends on a server that is cut off.
  locator.Deliver(Changes(9, {Lost("x")}), "Scanner");
  locator.loop.Advance(kPause);
  locator.Deliver(Changes(9, {}, {"x"}), "Scanner");
  locator.loop.Advance(LocatorFeeds::kLook);
  EXPECT_EQ(locator.Picked(), kKnown);
  EXPECT_EQ(locator.streams.given_up(), 0);
  locator.loop.Advance(kPause);
  EXPECT_EQ(locator.streams.given_up(), 1);
  EXPECT_EQ(locator.Picked(), kKnown);
}

TEST(LocatorOlder, ChangesAtAnotherRevisionShowThatItIs) {
  LocatorFixture locator;
  BeginBehind(&locator);
  locator.Deliver(SnapshotEnd(8), "Scanner");
  for (const Revision revision : {10, 11}) {
    EXPECT_EQ(locator.Picked(), kKnown);
    locator.Deliver(Changes(revision, {Up("x")}), "Scanner");
    locator.loop.Advance(kPause);
  }
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"before"}));
}

TEST(LocatorOlder, AServerIsNotLeftWithinALongSnapshot) {
  LocatorFixture locator;
  BeginBehind(&locator);
  for (const char* id : {"x", "y", "z"}) {
    locator.loop.Advance(kPause);
    locator.Deliver(SnapshotOf({Up(id)}), "Scanner");
  }
  locator.loop.Advance(kPause);
  locator.Deliver(SnapshotEnd(9), "Scanner");
  locator.loop.Advance(kPause);
  EXPECT_EQ(locator.streams.given_up(), 0) << "the next heartbeat is due only now";
  EXPECT_EQ(locator.Picked(), kKnown);
  locator.loop.Advance(kPause);
  EXPECT_EQ(locator.streams.given_up(), 1);
}

TEST(LocatorOlder, AServerIsNotLeftWithinALongSnapshotOfAServiceThatIsAddedLater) {
  LocatorFixture locator;
  BeginBehind(&locator);
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 9), "");
  for (const char* id : {"x", "y", "z"}) {
    locator.loop.Advance(kPause);
    locator.Deliver(SnapshotOf({Up(id)}), "Scanner");
  }
  EXPECT_EQ(locator.streams.given_up(), 0);
  EXPECT_EQ(locator.Picked(), kKnown);
}

TEST(LocatorOlder, AServerIsNotLeftWithinALongStepThatComesFromItsStore) {
  LocatorFixture locator;
  BeginBehind(&locator);
  locator.Deliver(SnapshotEnd(9), "Scanner");
  for (const char* id : {"x", "y", "z"}) {
    locator.loop.Advance(kPause);
    locator.Deliver(Fragment(10, id), "Scanner");
  }
  locator.loop.Advance(kPause);
  locator.Deliver(Changes(10, {Up("last")}), "Scanner");
  locator.loop.Advance(kPause);
  EXPECT_EQ(locator.streams.given_up(), 0);
  EXPECT_EQ(locator.Picked(), kKnown) << "that the store is reached, the first frame alone shows";
  locator.loop.Advance(kPause);
  EXPECT_EQ(locator.streams.given_up(), 1);
}

TEST(LocatorOlder, AServerIsLeftWithinALongStepThatDoesNot) {
  LocatorFixture locator;
  BeginBehind(&locator);
  locator.Deliver(SnapshotEnd(9), "Scanner");
  for (const char* id : {"x", "y"}) {
    locator.loop.Advance(kPause);
    locator.Deliver(Fragment(9, id), "Scanner");
  }
  EXPECT_EQ(locator.streams.given_up(), 1);
}

}  // namespace
}  // namespace scoutlight::client

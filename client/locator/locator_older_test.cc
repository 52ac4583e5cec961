// What shows a locator whether a server that says less than one before reaches its store.
#include <set>
#include <string>

#include "client/locator/locator_core.h"
#include "client/locator/locator_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

const std::set<std::string> kKnown = {"a"};

// Between frames. Two of them are longer than a server is listened to that says nothing.
constexpr absl::Duration kPause = absl::Seconds(5);

// Follows Printer, of which kKnown is shown, and Scanner and Copier, over a second server that is behind: its snapshot of Printer is held
// back.
void BeginBehind(LocatorFixture* locator) {
  ASSERT_TRUE(locator->core->Follow({"Scanner", "Copier"}).ok());
  locator->Follow({Up("a")});
  for (const char* service : {"Scanner", "Copier"}) locator->Deliver(SnapshotEnd(8), service);
  locator->streams.End(absl::UnavailableError("gone"));
  locator->loop.Advance(Backoff::kMax);
  locator->Deliver(SnapshotOf({Up("before")}));
  locator->Deliver(SnapshotEnd(9));
  for (const char* service : {"Scanner", "Copier"}) locator->Deliver(SnapshotEnd(9), service);
}

Frame Fragment(Revision revision, const std::string& id) {
  Frame frame = Changes(revision, {Up(id)});
  frame.set_fragment(true);
  return frame;
}

TEST(LocatorOlder, ChangesAtARevisionOfBeforeShowNothingOfWhatIsHeldBack) {
  LocatorFixture locator;
  BeginBehind(&locator);
  locator.loop.Advance(absl::Seconds(1));
  // As when the hold of a lost instance ends on a server that is cut off.
  locator.Deliver(Changes(9, {Lost("x")}), "Scanner");
  locator.loop.Advance(kPause);
  locator.Deliver(Changes(9, {}, {"x"}), "Scanner");
  locator.loop.Advance(LocatorFeeds::kLook);
  EXPECT_EQ(locator.Picked(), kKnown);
  EXPECT_EQ(locator.streams.given_up(), 0);
  locator.loop.Advance(kPause);
  EXPECT_EQ(locator.streams.given_up(), 1) << "nor do they put off that it is left";
  EXPECT_EQ(locator.Picked(), kKnown);
}

TEST(LocatorOlder, ChangesAtAnotherRevisionShowThatTheStoreIsReached) {
  LocatorFixture locator;
  BeginBehind(&locator);
  for (const Revision revision : {10, 11}) {
    EXPECT_EQ(locator.Picked(), kKnown);
    locator.Deliver(Changes(revision, {Up("x")}), "Scanner");
    locator.loop.Advance(kPause);
  }
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"before"}));
}

TEST(LocatorOlder, AServerIsNotLeftWithinALongStepThatComesFromItsStore) {
  LocatorFixture locator;
  BeginBehind(&locator);
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

TEST(LocatorOlder, NorWithinThatOfAnotherServiceAtTheSameRevision) {
  LocatorFixture locator;
  BeginBehind(&locator);
  locator.Deliver(Changes(10, {Up("x")}), "Copier");
  for (const char* id : {"x", "y", "z"}) {
    locator.Deliver(Fragment(10, id), "Scanner");
    locator.loop.Advance(kPause);
  }
  EXPECT_EQ(locator.streams.given_up(), 0);
  EXPECT_EQ(locator.Picked(), kKnown);
}

TEST(LocatorOlder, AServerIsLeftWithinALongStepThatDoesNotComeFromItsStore) {
  LocatorFixture locator;
  BeginBehind(&locator);
  for (const char* id : {"x", "y"}) {
    locator.loop.Advance(kPause);
    locator.Deliver(Fragment(9, id), "Scanner");
  }
  EXPECT_EQ(locator.streams.given_up(), 1);
}

TEST(LocatorOlder, ChangesAtTheRevisionOfTheLastStepPutNothingOff) {
  LocatorFixture locator;
  BeginBehind(&locator);
  locator.Deliver(Changes(10, {Up("x")}), "Scanner");
  locator.loop.Advance(kPause);
  locator.Deliver(Changes(10, {Up("x", {{"zone", "1"}})}), "Scanner");
  locator.loop.Advance(kPause);
  EXPECT_EQ(locator.streams.given_up(), 1);
}

}  // namespace
}  // namespace scoutlight::client

#include "client/watch/watch_cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "client/watch/watch_frames.h"

namespace scoutlight::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> TakeAll(WatchCursor* cursor, std::vector<Frame> frames) {
  std::vector<std::string> lines;
  for (Frame& frame : frames) {
    const absl::StatusOr<std::vector<WatchEvent>> events = cursor->Take(std::move(frame));
    if (!events.ok()) {
      lines.push_back(events.status().ToString());
      continue;
    }
    for (std::string& line : LinesOf(*events)) lines.push_back(std::move(line));
  }
  return lines;
}

TEST(WatchCursor, GoesOnAfterTheLastThatWasTold) {
  WatchCursor cursor("/a", {.scope = Scope::kSubtree, .previous = true});
  EXPECT_EQ(cursor.Request().start_revision(), 0);
  EXPECT_FALSE(cursor.Request().include_snapshot());
  EXPECT_THAT(TakeAll(&cursor, {Started(7), Changes({{9, "/a/b"}, {9, "/a/c"}, {10, "/a/b"}}), Progress(20)}),
              ElementsAre("started 7", "changes 9 /a/b /a/c", "changes 10 /a/b", "progress 20"));
  cursor.CutOff();
  const registry::v1::WatchRequest again = cursor.Request();
  EXPECT_EQ(again.start_revision(), 21);
  EXPECT_EQ(again.store_id(), kStore);
  EXPECT_TRUE(again.include_snapshot()) << "if the changes are not to be had";
  EXPECT_EQ(again.scope(), registry::v1::SCOPE_SUBTREE);
  EXPECT_TRUE(again.include_previous());
  EXPECT_THAT(TakeAll(&cursor, {Started(20)}), IsEmpty()) << "told once";
}

TEST(WatchCursor, MissesNothingBetweenItsStartAndTheFirstChange) {
  WatchCursor cursor("/a", {});
  TakeAll(&cursor, {Started(7)});
  cursor.CutOff();
  EXPECT_EQ(cursor.Request().start_revision(), 8);
}

TEST(WatchCursor, BeginsWithTheState) {
  WatchCursor cursor("/a", {.snapshot = true});
  EXPECT_TRUE(cursor.Request().include_snapshot());
  EXPECT_THAT(TakeAll(&cursor, {Started(0), StatePart(First::kYes, 7, {"/a", "/b"}), StatePart(First::kNo, 7, {"/c"})}),
              ElementsAre("reset asked", "state 7 /a /b", "state 7 /c"));
  EXPECT_TRUE(cursor.is_in_state());
  EXPECT_THAT(TakeAll(&cursor, {StateEnd(First::kNo, 7), Changes({{8, "/a"}})}), ElementsAre("end 7", "changes 8 /a"));
  EXPECT_FALSE(cursor.is_in_state());
  EXPECT_EQ(cursor.Request().start_revision(), 9);
}

TEST(WatchCursor, AsksForTheStateAnewWhenItWasCutOff) {
  WatchCursor cursor("/a", {.snapshot = true});
  TakeAll(&cursor, {StatePart(First::kYes, 7, {"/a"})});
  cursor.CutOff();
  EXPECT_EQ(cursor.Request().start_revision(), 0);
  EXPECT_TRUE(cursor.Request().include_snapshot());
  EXPECT_THAT(TakeAll(&cursor, {StateEnd(First::kYes, 9)}), ElementsAre("reset asked", "end 9")) << "it is empty by now";
}

TEST(WatchCursor, SaysWhatWasMissed) {
  WatchCursor cursor("/a", {});
  TakeAll(&cursor, {Started(7)});
  EXPECT_THAT(TakeAll(&cursor, {StatePart(First::kYes, 30, {"/a"})}), ElementsAre("reset missed", "state 30 /a"));
  cursor.CutOff();
  EXPECT_THAT(TakeAll(&cursor, {StatePart(First::kYes, 31, {"/a"}), StateEnd(First::kNo, 31)}),
              ElementsAre("reset missed", "state 31 /a", "end 31"))
      << "the cause stays until the state is complete";
  EXPECT_THAT(TakeAll(&cursor, {StateEnd(First::kYes, 2, kOtherStore)}), ElementsAre("reset replaced", "end 2"));
  EXPECT_EQ(cursor.Request().start_revision(), 3);
  EXPECT_EQ(cursor.Request().store_id(), kOtherStore);
}

TEST(WatchCursor, PutsATransactionTogether) {
  WatchCursor cursor("/", {});
  EXPECT_THAT(TakeAll(&cursor, {Started(7), Fragment({{8, "/a"}, {9, "/b"}}), Fragment({{9, "/c"}})}),
              ElementsAre("started 7", "changes 8 /a"));
  EXPECT_EQ(cursor.Request().start_revision(), 9);
  EXPECT_THAT(TakeAll(&cursor, {Changes({{9, "/d"}, {10, "/e"}})}), ElementsAre("changes 9 /b /c /d", "changes 10 /e"));
}

TEST(WatchCursor, ForgetsAPartOfATransactionThatWasCutOff) {
  WatchCursor cursor("/", {});
  TakeAll(&cursor, {Started(7), Fragment({{8, "/a"}})});
  cursor.CutOff();
  EXPECT_EQ(cursor.Request().start_revision(), 8);
  EXPECT_THAT(TakeAll(&cursor, {Started(7), Changes({{8, "/a"}, {8, "/b"}})}), ElementsAre("changes 8 /a /b"));
}

TEST(WatchCursor, RefusesWhatBreaksTheContract) {
  const std::vector<std::vector<Frame>> broken = {{Started(7), Changes({{7, "/a"}})},
                                                  {Changes({{9, "/a"}, {8, "/a"}})},
                                                  {StatePart(First::kNo, 7, {"/a"})},
                                                  {StatePart(First::kYes, 7, {"/a"}), Changes({{8, "/a"}})},
                                                  {StatePart(First::kYes, 7, {"/a"}), Progress(8)},
                                                  {Started(7), Fragment({{8, "/a"}}), Progress(8)},
                                                  {StatePart(First::kYes, 7, {"no/key/"})}};
  for (size_t i = 0; i < broken.size(); ++i) {
    WatchCursor cursor("/", {.snapshot = true});
    const std::vector<std::string> lines = TakeAll(&cursor, broken[i]);
    EXPECT_THAT(lines.back(), ::testing::StartsWith("INTERNAL")) << i;
  }
}

TEST(WatchCursor, EndsOnWhatStaysAsItIs) {
  WatchCursor cursor("/", {});
  EXPECT_EQ(cursor.Ended(absl::InvalidArgumentError("")), WatchCursor::After::kIsOver);
  EXPECT_EQ(cursor.Ended(absl::PermissionDeniedError("")), WatchCursor::After::kIsOver);
  EXPECT_EQ(cursor.Ended(absl::UnavailableError("")), WatchCursor::After::kGoesOn);
  EXPECT_EQ(cursor.Ended(absl::ResourceExhaustedError("")), WatchCursor::After::kGoesOn);
}

TEST(WatchCursor, AsksForTheStateAfterAGapUnlessItShallEnd) {
  const absl::Status compacted = MakeError(absl::StatusCode::kOutOfRange, "", {.reason = Reason::kCompacted});
  WatchCursor ends("/", {.on_gap = WatchOptions::OnGap::kEnd});
  TakeAll(&ends, {Started(7)});
  EXPECT_FALSE(ends.Request().include_snapshot());
  EXPECT_EQ(ends.Ended(compacted), WatchCursor::After::kIsOver);
  WatchCursor goes_on("/", {});
  TakeAll(&goes_on, {Started(7)});
  EXPECT_EQ(goes_on.Ended(compacted), WatchCursor::After::kGoesOn);
  EXPECT_TRUE(goes_on.Request().include_snapshot());
  EXPECT_EQ(goes_on.Request().start_revision(), 0);
  EXPECT_THAT(TakeAll(&goes_on, {StateEnd(First::kYes, 30)}), ElementsAre("reset missed", "end 30"));
}

TEST(WatchCursor, AFutureRevisionIsTheProgramsMistakeOnlyAtFirst) {
  const absl::Status future = MakeError(absl::StatusCode::kOutOfRange, "", {.reason = Reason::kFutureRevision});
  WatchCursor cursor("/", {.start_revision = 100});
  EXPECT_EQ(cursor.Ended(future), WatchCursor::After::kIsOver);
  TakeAll(&cursor, {Started(99)});
  EXPECT_EQ(cursor.Ended(future), WatchCursor::After::kGoesOn);
}

}  // namespace
}  // namespace scoutlight::client

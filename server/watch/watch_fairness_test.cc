// Who is slow, or asks for much, holds up nobody else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "server/watch/watch_hub.h"
#include "server/watch/watch_hub_fixture.h"
#include "storage/store_errors.h"

namespace scoutlight::server {
namespace {

using testing::SizeIs;

class WatchFairnessTest : public WatchHubTest {
 protected:
  // Revisions 2 to 1,001, of which the last 200 are among the recent batches.
  void WriteALog() {
    options_.recent_batches_max = 200;
    hub();
    WaitUntilShown(1);
    for (int i = 0; i < 1'000; ++i) Put("/a", absl::StrCat(i));
    WaitUntilShown(1'001);
  }
};

TEST_F(WatchFairnessTest, WhoNeedsTheRecentBatchesDoesNotWaitForTheLog) {
  WriteALog();
  store_->HoldHistory();
  const auto replays = Open(SpecOf("/none", Scope::kKey, 2));
  EXPECT_TRUE(AwaitCondition([&] { return store_->history_reads() == 1; }));
  // Over 64 batches behind: nothing but the pass serves it.
  const auto recent = Open(SpecOf("/a", Scope::kKey, 902));
  EXPECT_THAT(EventsOf(*recent, 100), SizeIs(100));
  EXPECT_EQ(store_->history_reads(), 1) << "one at a time";
  store_->LetHistoryGo();
  EXPECT_TRUE(AwaitCondition([&] { return hub().counts().behind == 0; }));
  const Revision last = Put("/none", "x");
  EXPECT_EQ(EventsOf(*replays, 1).back(), absl::StrCat("/none=x@", last));
}

TEST_F(WatchFairnessTest, WhoNeedsTheRecentBatchesDoesNotWaitForALogThatCannotBeRead) {
  options_.limits.retry_after = absl::Hours(1);
  WriteALog();
  store_->FailHistory(1, storage::ReadOnly("a test says so"));
  Open(SpecOf("/none", Scope::kKey, 2));
  EXPECT_TRUE(AwaitCondition([&] { return store_->history_reads() == 1 && hub().counts().behind == 1; }));
  EXPECT_THAT(EventsOf(*Open(SpecOf("/a", Scope::kKey, 902)), 100), SizeIs(100));
  EXPECT_EQ(hub().counts().behind, 1);
}

TEST_F(WatchFairnessTest, SnapshotIsServedWhileTheLogIsRead) {
  WriteALog();
  store_->HoldHistory();
  Open(SpecOf("/none", Scope::kKey, 2));
  EXPECT_TRUE(AwaitCondition([&] { return store_->history_reads() == 1; }));
  const auto snapshot = Open(SnapshotOf("/a", Scope::kSubtree));
  Put("/a", "last");
  EXPECT_TRUE(AwaitCondition([&] { return snapshot->state()["/a"] == "last"; }));
  store_->LetHistoryGo();
}

// A reader that is held keeps the answer to a start ahead of what was shown; the other watches of the stream go on.
TEST_F(WatchFairnessTest, WatchThatChecksItsStartDoesNotSilenceItsStream) {
  const auto stream = OpenMany();
  Create(*stream, 1, SpecOf("/a"));
  EXPECT_TRUE(AwaitCondition([&] { return stream->frames(1).size() == 1; }));
  store_->HoldPages();
  Create(*stream, 2, SpecOf("/a", Scope::kKey, 100));
  EXPECT_TRUE(AwaitCondition([&] { return hub().counts().watches == 2 && store_->pages_held() == 1; }));
  Put("/a", "1");
  EXPECT_THAT(EventsOf(*stream, 1, 1), SizeIs(1));
  EXPECT_THAT(stream->kinds(2), SizeIs(0));
  store_->LetPagesGo();
  EXPECT_TRUE(AwaitCondition([&] { return stream->frames(2).size() == 1; }));
  EXPECT_EQ(stream->frames(2)[0].message.kind(), Kind::KIND_ENDED);
}

}  // namespace
}  // namespace scoutlight::server

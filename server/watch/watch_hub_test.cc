#include "server/watch/watch_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "server/watch/watch_hub_fixture.h"
#include "storage/store_errors.h"
#include "storage/testing/fake_clock.h"

namespace scoutlight::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(WatchHubTest, EventsGoToWhoAskedForThem) {
  const auto key = OpenAndWait(SpecOf("/a/b"));
  const auto children = OpenAndWait(SpecOf("/a", Scope::kChildren));
  const auto subtree = OpenAndWait(SpecOf("/a", Scope::kSubtree));
  const auto other = OpenAndWait(SpecOf("/b", Scope::kSubtree));
  Put("/a", "1");
  Put("/a/b", "2");
  Put("/a/b/c", "3");
  sync_->Delete(K("/a/b"));
  const Revision last = Put("/b", "4");
  EXPECT_THAT(EventsOf(*subtree, 4), ElementsAre("/a=1@2", "/a/b=2@3", "/a/b/c=3@4", "-/a/b@5"));
  EXPECT_THAT(EventsOf(*other, 1), ElementsAre(absl::StrCat("/b=4@", last)));
  EXPECT_THAT(key->events(), ElementsAre("/a/b=2@3", "-/a/b@5"));
  EXPECT_THAT(children->events(), ElementsAre("/a/b=2@3", "-/a/b@5"));
  EXPECT_EQ(hub().counts().interests, 4);
}

TEST_F(WatchHubTest, FrameIsMadeOnceForAllWatchesOfAnInterest) {
  const auto first = OpenAndWait(SpecOf("/a"));
  const auto second = OpenAndWait(SpecOf("/a"));
  EXPECT_TRUE(AwaitCondition([&] { return hub().counts().watches == 2 && hub().counts().interests == 1; }));
  Put("/a", "1");
  EventsOf(*first, 1);
  EventsOf(*second, 1);
  EXPECT_EQ(first->frames().back().bytes, second->frames().back().bytes) << "the same bytes, not equal ones";
}

TEST_F(WatchHubTest, StartedTellsWhereAndAResumedWatchMissesNothing) {
  for (int i = 0; i < 5; ++i) Put("/a", absl::StrCat(i));
  const auto now = OpenAndWait(SpecOf("/a"));
  EXPECT_EQ(now->frames()[0].message.kind(), Kind::KIND_STARTED);
  EXPECT_EQ(now->frames()[0].message.revision(), 6);
  EXPECT_EQ(now->frames()[0].message.store_id(), kStoreId);
  const auto resumed = OpenAndWait(SpecOf("/a", Scope::kKey, 4));
  EXPECT_EQ(resumed->frames()[0].message.kind(), Kind::KIND_STARTED);
  EXPECT_EQ(resumed->frames()[0].message.revision(), 3);
  EXPECT_THAT(EventsOf(*resumed, 3), ElementsAre("/a=2@4", "/a=3@5", "/a=4@6"));
  const auto all = OpenAndWait(SpecOf("/a", Scope::kKey, 1));
  EXPECT_THAT(EventsOf(*all, 5), SizeIs(5));
  const auto next = OpenAndWait(SpecOf("/a", Scope::kKey, 7));
  Put("/a", "5");
  EXPECT_THAT(EventsOf(*next, 1), ElementsAre("/a=5@7"));
}

TEST_F(WatchHubTest, StartAheadOfTheLatestIsRefused) {
  Put("/a", "1");
  const WatchEnd end = EndOf(*Open(SpecOf("/a", Scope::kKey, 4)));
  EXPECT_EQ(end.status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReasonOf(end.status), Reason::kFutureRevision);
  EXPECT_EQ(end.revision, 2);
}

TEST_F(WatchHubTest, OtherStoreIsRefusedOrShownFromItsState) {
  Put("/a", "1");
  WatchSpec spec = SpecOf("/a", Scope::kKey, 2);
  spec.store_id = "ffffffffffffffffffffffffffffffff";
  EXPECT_EQ(ReasonOf(EndOf(*Open(spec)).status), Reason::kStoreReplaced);
  spec.include_snapshot = true;
  const auto stream = Open(spec);
  EXPECT_TRUE(AwaitCondition([&] { return stream->kinds().size() >= 3; }));
  EXPECT_THAT(stream->kinds(), ElementsAre(Kind::KIND_STARTED, Kind::KIND_SNAPSHOT, Kind::KIND_SNAPSHOT_END));
  EXPECT_TRUE(stream->frames()[1].message.restart());
}

TEST_F(WatchHubTest, SnapshotLeavesOutBranchesAndAnEmptyOneIsItsEnd) {
  Put("/a/b/c", "1");
  Put("/a/d", "2");
  const auto children = OpenAndWait(SnapshotOf("/a", Scope::kChildren));
  EXPECT_TRUE(AwaitCondition([&] { return children->kinds().size() >= 3; }));
  EXPECT_THAT(children->state(), ElementsAre(testing::Pair("/a/d", "2")));
  const auto empty = OpenAndWait(SnapshotOf("/x", Scope::kSubtree));
  EXPECT_TRUE(AwaitCondition([&] { return empty->kinds().size() >= 2; }));
  EXPECT_THAT(empty->kinds(), ElementsAre(Kind::KIND_STARTED, Kind::KIND_SNAPSHOT_END));
  EXPECT_TRUE(empty->frames()[1].message.restart());
  EXPECT_EQ(empty->frames()[1].message.revision(), 3);
}

TEST_F(WatchHubTest, SnapshotAndChangesTogetherAreTheState) {
  options_.limits.snapshot_page_bytes_max = 500;
  for (int i = 0; i < 200; ++i) Put(absl::StrCat("/a/", i), "old");
  std::thread writer([&] {
    for (int i = 0; i < 300; ++i) Put(absl::StrCat("/a/", i % 250), absl::StrCat(i));
  });
  const auto stream = Open(SnapshotOf("/a", Scope::kSubtree));
  writer.join();
  const Revision last = Put("/a/last", "x");
  EXPECT_TRUE(AwaitCondition([&] { return stream->state().contains("/a/last"); }));
  std::map<std::string, std::string> there;
  for (const Entry& entry : sync_->List(K("/a"), Scope::kSubtree)) {
    if (entry.has_value) there[entry.key.path()] = entry.value.bytes;
  }
  EXPECT_EQ(stream->state(), there);
  // Every revision after the snapshot's came once.
  std::vector<Revision> revisions;
  Revision snapshot = 0;
  for (const FakeStream::Frame& frame : stream->frames()) {
    if (frame.message.kind() == Kind::KIND_SNAPSHOT_END) snapshot = frame.message.revision();
    for (const wire::Event& event : frame.message.events()) revisions.push_back(event.entry().mod_revision());
  }
  ASSERT_EQ(revisions.size(), static_cast<size_t>(last - snapshot));
  for (size_t i = 0; i < revisions.size(); ++i) EXPECT_EQ(revisions[i], snapshot + 1 + static_cast<Revision>(i));
}

TEST_F(WatchHubTest, SnapshotThatCompactionOvertakesBeginsAnewAFewTimes) {
  options_.limits.snapshot_page_bytes_max = 100;
  for (int i = 0; i < 10; ++i) Put(absl::StrCat("/a/", i), "x");
  store_->FailPages(4, storage::Compacted(1, 2));
  const auto stream = Open(SnapshotOf("/a", Scope::kSubtree));
  EXPECT_TRUE(AwaitCondition([&] { return !stream->kinds().empty() && stream->kinds().back() == Kind::KIND_SNAPSHOT_END; }));
  int restarts = 0;
  for (const FakeStream::Frame& frame : stream->frames()) restarts += frame.message.restart() ? 1 : 0;
  EXPECT_EQ(restarts, 5);
  EXPECT_THAT(stream->state(), SizeIs(10));
  store_->FailPages(5, storage::Compacted(1, 2));
  EXPECT_EQ(ReasonOf(EndOf(*Open(SnapshotOf("/a", Scope::kSubtree))).status), Reason::kCompacted);
}

TEST_F(WatchHubTest, SnapshotsAreReadAFewAtATimeAndAgainWhenTheStoreIsBusy) {
  options_.limits.snapshot_reads_max = 2;
  options_.limits.snapshot_page_bytes_max = 100;
  for (int i = 0; i < 10; ++i) Put(absl::StrCat("/a/", i), "x");
  store_->FailPages(5, storage::Overloaded("a test says so"));
  std::vector<std::shared_ptr<FakeStream>> streams;
  for (int i = 0; i < 20; ++i) streams.push_back(Open(SnapshotOf("/a", Scope::kSubtree)));
  for (const auto& stream : streams) {
    EXPECT_TRUE(AwaitCondition([&] { return stream->state().size() == 10; }));
  }
  EXPECT_LE(store_->pages_at_once_most(), 2);
}

TEST_F(WatchHubTest, StalledStreamIsCompleteFromTheRecentBatchesWhenItWakes) {
  const auto stalled = OpenAndWait(SpecOf("/a"));
  const auto live = OpenAndWait(SpecOf("/a"));
  stalled->Stall();
  for (int i = 0; i < 1'000; ++i) Put("/a", absl::StrCat(i));
  EXPECT_THAT(EventsOf(*live, 1'000), SizeIs(1'000));
  EXPECT_THAT(stalled->events(), SizeIs(1)) << "one write outstanding, no more";
  stalled->Wake();
  EXPECT_EQ(EventsOf(*stalled, 1'000), live->events());
  EXPECT_EQ(store_->history_reads(), 0);
  Put("/a", "after");
  EXPECT_THAT(EventsOf(*stalled, 1'001), SizeIs(1'001));
}

TEST_F(WatchHubTest, StreamsBehindTheRecentBatchesShareOnePassOverHistory) {
  options_.recent_batches_max = 8;
  std::vector<std::shared_ptr<FakeStream>> stalled;
  for (int i = 0; i < 20; ++i) stalled.push_back(OpenAndWait(SpecOf("/a")));
  const auto live = OpenAndWait(SpecOf("/a"));
  for (const auto& stream : stalled) stream->Stall();
  const std::string value(10'000, 'x');
  for (int i = 0; i < 500; ++i) Put("/a", value);
  EventsOf(*live, 500);
  const int before = store_->history_reads();
  for (const auto& stream : stalled) stream->Wake();
  for (const auto& stream : stalled) EXPECT_EQ(EventsOf(*stream, 500), live->events());
  // Five MB in pieces of one: a reader of its own for each of the 20 would make 100.
  EXPECT_LE(store_->history_reads() - before, 50);
  EXPECT_TRUE(AwaitCondition([&] { return hub().counts().behind == 0; }));
}

TEST_F(WatchHubTest, ManyWatchesOfAStreamThatIsBehindShareThePiecesOfHistory) {
  options_.recent_batches_max = 8;
  const auto stream = OpenMany();
  constexpr int kWatches = 1'000;
  for (int id = 1; id <= kWatches; ++id) Create(*stream, id, SpecOf(absl::StrCat("/a/", id % 10)));
  EXPECT_TRUE(AwaitCondition([&] { return !stream->frames(kWatches).empty(); }));
  stream->Stall();
  for (int i = 0; i < 200; ++i) Put(absl::StrCat("/a/", i % 10), std::string(1'000, 'x'));
  WaitUntilShown(201);
  const int before = store_->history_reads();
  stream->Wake();
  for (const int id : {1, 2, 500, kWatches}) EXPECT_THAT(EventsOf(*stream, 20, id), SizeIs(20)) << id;
  EXPECT_TRUE(AwaitCondition([&] { return hub().counts().behind == 0; }));
  EXPECT_LE(store_->history_reads() - before, 20);
  const Revision last = Put("/a/5", "last");
  for (const int id : {5, 995}) EXPECT_EQ(EventsOf(*stream, 21, id).back(), absl::StrCat("/a/5=last@", last));
}

TEST_F(WatchHubTest, HubThatIsSlowerThanTheRecentBatchesAreLongLosesNothing) {
  options_.recent_batches_max = 2;
  const auto slow = OpenAndWait(SpecOf("/a"));
  const auto other = OpenAndWait(SpecOf("/a"));
  slow->HoldTheWriter();
  Put("/a", "0");
  ASSERT_TRUE(AwaitCondition([&] { return slow->caught(); }));
  for (int i = 1; i < 50; ++i) Put("/a", absl::StrCat(i));
  EXPECT_LE(other->events().size(), 1u) << "the hub is not held";
  slow->LetTheWriterGo();
  EXPECT_THAT(EventsOf(*slow, 50), SizeIs(50));
  EXPECT_EQ(EventsOf(*other, 50), slow->events());
  EXPECT_GT(store_->history_reads(), 0);
}

TEST_F(WatchHubTest, HistoryThatCannotBeReadForNowIsReadLater) {
  options_.recent_batches_max = 8;
  for (int i = 0; i < 100; ++i) Put("/a", absl::StrCat(i));
  hub();
  store_->FailHistory(3, storage::ReadOnly("a test says so"));
  const auto stream = Open(SpecOf("/a", Scope::kKey, 2));
  EXPECT_THAT(EventsOf(*stream, 100), SizeIs(100));
  EXPECT_GE(store_->history_reads(), 4);
}

TEST_F(WatchHubTest, DamagedHistoryEndsTheWatch) {
  options_.recent_batches_max = 8;
  for (int i = 0; i < 100; ++i) Put("/a", absl::StrCat(i));
  hub();
  store_->FailHistory(1, absl::DataLossError("a test says so"));
  EXPECT_EQ(EndOf(*Open(SpecOf("/a", Scope::kKey, 2))).status.code(), absl::StatusCode::kDataLoss);
}

TEST_F(WatchHubTest, BehindCompactionAWatchEndsOrBeginsWithTheState) {
  options_.recent_batches_max = 8;
  WatchSpec with_snapshot = SpecOf("/a");
  with_snapshot.include_snapshot = true;
  const auto ends = OpenAndWait(SpecOf("/a"));
  const auto goes_on = OpenAndWait(with_snapshot);
  EXPECT_TRUE(AwaitCondition([&] { return goes_on->kinds().size() == 2; }));
  ends->Stall();
  goes_on->Stall();
  for (int i = 0; i < 100; ++i) Put("/a", absl::StrCat(i));
  WaitUntilShown(101);
  ASSERT_TRUE(sync_->Compact(90).status.ok());
  ends->Wake();
  goes_on->Wake();
  const WatchEnd end = EndOf(*ends);
  EXPECT_EQ(ReasonOf(end.status), Reason::kCompacted);
  EXPECT_EQ(end.revision, 2) << "the frame that was on its way";
  EXPECT_EQ(end.oldest_revision, 90);
  EXPECT_TRUE(AwaitCondition([&] { return goes_on->state()["/a"] == "99"; }));
  Put("/a", "after");
  EXPECT_TRUE(AwaitCondition([&] { return goes_on->state()["/a"] == "after"; }));
  EXPECT_FALSE(goes_on->end().has_value());
}

TEST_F(WatchHubTest, CompactedRecentBatchesAreStillSent) {
  hub();
  WaitUntilShown(1);
  for (int i = 0; i < 10; ++i) Put("/a", absl::StrCat(i));
  ASSERT_TRUE(sync_->Compact(11).status.ok());
  const auto stream = Open(SpecOf("/a", Scope::kKey, 2));
  EXPECT_THAT(EventsOf(*stream, 10), SizeIs(10));
}

TEST_F(WatchHubTest, StartBehindCompactionIsRefusedWithoutABeginning) {
  for (int i = 0; i < 10; ++i) Put("/a", absl::StrCat(i));
  ASSERT_TRUE(sync_->Compact(5).status.ok());
  const auto stream = Open(SpecOf("/a", Scope::kKey, 5));
  EXPECT_EQ(ReasonOf(EndOf(*stream).status), Reason::kCompacted);
  EXPECT_THAT(stream->kinds(), IsEmpty());
  EXPECT_THAT(EventsOf(*Open(SpecOf("/a", Scope::kKey, 6)), 6), SizeIs(6));
}

TEST_F(WatchHubTest, GapInWhatTheStoreShowsIsFilledFromHistory) {
  const auto stream = OpenAndWait(SpecOf("/a"));
  Put("/a", "0");
  EventsOf(*stream, 1);
  const std::shared_ptr<storage::Sink> sink = store_->sink();
  // Another sink takes what comes, so that the hub misses it.
  store_->Follow(2, std::make_shared<WatchInbox>(1, 1));
  for (int i = 1; i < 10; ++i) Put("/a", absl::StrCat(i));
  sink->OnGap(11);
  EXPECT_THAT(EventsOf(*stream, 10), SizeIs(10));
  EXPECT_EQ(stream->events().back(), "/a=9@11");
}

TEST_F(WatchHubTest, TransactionIsOneFrameAndOneTooLargeIsCut) {
  options_.limits.frame_bytes_max = 2'000;
  const auto stream = OpenAndWait(SpecOf("/a", Scope::kSubtree));
  const Revision small = PutAll({"/a/1", "/a/2", "/a/3"}, "x");
  EventsOf(*stream, 3);
  ASSERT_THAT(stream->frames(), SizeIs(2));
  EXPECT_EQ(stream->frames()[1].message.revision(), small);
  EXPECT_FALSE(stream->frames()[1].message.fragment());
  std::vector<std::string> keys;
  for (int i = 10; i < 40; ++i) keys.push_back(absl::StrCat("/a/", i));
  const Revision large = PutAll(keys, std::string(100, 'x'));
  Put("/a/last", "y");
  EventsOf(*stream, 34);
  int fragments = 0;
  size_t sent = 0;
  for (const FakeStream::Frame& frame : stream->frames()) {
    EXPECT_LE(frame.bytes->size(), 2'000u);
    if (frame.message.fragment()) {
      ++fragments;
      EXPECT_EQ(frame.message.revision(), large - 1);
    }
    for (const wire::Event& event : frame.message.events()) sent += event.entry().mod_revision() == large ? 1 : 0;
  }
  EXPECT_GE(fragments, 2);
  EXPECT_EQ(sent, keys.size()) << "each once";
}

TEST_F(WatchHubTest, PreviousValuesAreForWhoAsked) {
  WatchSpec spec = SpecOf("/a");
  spec.include_previous = true;
  const auto with = OpenAndWait(spec);
  const auto without = OpenAndWait(SpecOf("/a"));
  Put("/a", "1");
  Put("/a", "2");
  EventsOf(*with, 2);
  EventsOf(*without, 2);
  const wire::Event first = with->frames()[1].message.events(0);
  EXPECT_TRUE(first.previous_known());
  EXPECT_FALSE(first.has_previous());
  EXPECT_EQ(with->frames().back().message.events().rbegin()->previous().text(), "1");
  EXPECT_FALSE(without->frames().back().message.events().rbegin()->previous_known());
}

TEST_F(WatchHubTest, SystemTreeIsShownOnlyToWhoNamesIt) {
  const auto root = OpenAndWait(SpecOf("/", Scope::kSubtree));
  const auto system = OpenAndWait(SpecOf("/.scoutlight", Scope::kSubtree));
  Put("/.scoutlight/x", "1");
  Put("/y", "2");
  EXPECT_THAT(EventsOf(*root, 1), ElementsAre("/y=2@3"));
  EXPECT_THAT(EventsOf(*system, 1), ElementsAre("/.scoutlight/x=1@2"));
}

TEST_F(WatchHubTest, HeartbeatComesWhenNothingElseDidAndNotWhileStale) {
  storage::FakeClock clock;
  options_.clock = &clock;
  WatchSpec spec = SpecOf("/a");
  spec.heartbeat = absl::Seconds(10);
  const auto stream = OpenAndWait(spec);
  const Revision other = Put("/b", "1");
  WaitUntilShown(other);
  ASSERT_TRUE(clock.AdvanceAndWaitUntilSeen(absl::Seconds(9)));
  EXPECT_THAT(stream->progress(), IsEmpty());
  ASSERT_TRUE(clock.AdvanceAndWaitUntilSeen(absl::Seconds(1)));
  EXPECT_TRUE(AwaitCondition([&] { return stream->progress().size() == 1; }));
  EXPECT_EQ(stream->progress()[0], other);
  ASSERT_TRUE(clock.AdvanceAndWaitUntilSeen(absl::Seconds(5)));
  Put("/a", "1");
  EventsOf(*stream, 1);
  ASSERT_TRUE(clock.AdvanceAndWaitUntilSeen(absl::Seconds(9)));
  EXPECT_THAT(stream->progress(), SizeIs(1)) << "a frame came 9 s ago";
  ASSERT_TRUE(clock.AdvanceAndWaitUntilSeen(absl::Seconds(1)));
  EXPECT_TRUE(AwaitCondition([&] { return stream->progress().size() == 2; }));
  store_->sink()->OnStale();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(clock.AdvanceAndWaitUntilSeen(absl::Seconds(10)));
  EXPECT_THAT(stream->progress(), SizeIs(2));
  store_->sink()->OnFresh();
  ASSERT_TRUE(clock.AdvanceAndWaitUntilSeen(absl::Seconds(10)));
  EXPECT_TRUE(AwaitCondition([&] { return stream->progress().size() == 3; }));
  stream->Stall();
  Put("/a", "2");
  EXPECT_TRUE(AwaitCondition([&] { return stream->writing(); }));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(clock.AdvanceAndWaitUntilSeen(absl::Seconds(10)));
  EXPECT_THAT(stream->progress(), SizeIs(3)) << "one write at a time";
}

TEST_F(WatchHubTest, ManyWatchesOfOneStreamEndOneByOne) {
  const auto stream = OpenMany();
  Create(*stream, 1, SpecOf("/a"));
  Create(*stream, 2, SpecOf("/", Scope::kSubtree));
  Create(*stream, 0, SpecOf("/b"));
  hub().Command(stream.get(), CreateWatch{7, InvalidField(Reason::kInvalidKey, "create.watch.key", "is bad")});
  hub().Command(stream.get(), CancelWatch{9});
  EXPECT_TRUE(AwaitCondition([&] { return stream->frames(9).size() == 1 && stream->frames(2).size() == 1; }));
  EXPECT_THAT(stream->kinds(1), ElementsAre(Kind::KIND_STARTED));
  EXPECT_EQ(stream->frames(0)[0].message.status().code(), 3);
  EXPECT_EQ(stream->frames(7)[0].message.status().reason(), wire::ERROR_REASON_INVALID_KEY);
  EXPECT_EQ(stream->frames(9)[0].message.status().code(), 1);
  Put("/a", "1");
  EventsOf(*stream, 1, 1);
  EventsOf(*stream, 1, 2);
  hub().Command(stream.get(), CancelWatch{1});
  EXPECT_TRUE(AwaitCondition([&] { return stream->kinds(1).size() == 3; }));
  EXPECT_EQ(stream->frames(1).back().message.status().code(), 1);
  EXPECT_EQ(stream->frames(1).back().message.status().revision(), 2);
  Put("/a", "2");
  EXPECT_THAT(EventsOf(*stream, 2, 2), SizeIs(2));
  EXPECT_THAT(stream->kinds(1), SizeIs(3)) << "nothing comes after the last frame";
  // The id is free again.
  Create(*stream, 1, SpecOf("/a"));
  EXPECT_TRUE(AwaitCondition([&] { return stream->kinds(1).size() == 4; }));
}

TEST_F(WatchHubTest, CommandsAreReadOneByOneAndNotBeyondUnsentRefusals) {
  const auto stream = OpenMany();
  EXPECT_TRUE(AwaitCondition([&] { return stream->reads() == 1; }));
  stream->Stall();
  for (int i = 1; i <= 40; ++i) {
    hub().Command(stream.get(), CancelWatch{i});
    if (i > 16) continue;
    EXPECT_TRUE(AwaitCondition([&] { return stream->reads() == i + 1; })) << i;
  }
  // One is being written; sixteen wait.
  EXPECT_TRUE(AwaitCondition([&] { return stream->writing(); }));
  EXPECT_LE(stream->reads(), 18);
  stream->Wake();
  EXPECT_TRUE(AwaitCondition([&] { return !stream->frames(40).empty(); }));
}

TEST_F(WatchHubTest, BrokenCommandEndsTheStreamAfterItsWatches) {
  const auto stream = OpenMany();
  Create(*stream, 1, SpecOf("/a"));
  hub().Command(stream.get(), InvalidField(Reason::kMalformedRequest, "request", "is none"));
  EXPECT_EQ(EndOf(*stream).status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(stream->kinds(1).back(), Kind::KIND_ENDED);
}

TEST_F(WatchHubTest, StreamsAndWatchesAreBounded) {
  options_.places = std::make_shared<StreamPlaces>(3);
  options_.limits.watches_max = 5;
  options_.limits.watches_per_connection_max = 2;
  const auto first = OpenMany(1);
  const auto second = OpenMany(2);
  const auto third = OpenMany(3);
  EXPECT_EQ(ReasonOf(hub().OpenMany(std::make_shared<FakeStream>(&hub()), 4)), Reason::kStreamsFull);
  for (int id = 1; id <= 3; ++id) {
    for (const auto& stream : {first, second, third}) Create(*stream, id, SpecOf("/a"));
  }
  EXPECT_TRUE(AwaitCondition([&] { return third->frames(3).size() == 1; }));
  for (const auto& each : {std::pair(first, 2), std::pair(second, 2), std::pair(third, 1)}) {
    const std::shared_ptr<FakeStream> stream = each.first;
    const int taken = each.second;
    for (int id = 1; id <= 3; ++id) {
      SCOPED_TRACE(id);
      ASSERT_TRUE(AwaitCondition([&] { return stream->frames(id).size() == 1; }));
      const wire::WatchResponse message = stream->frames(id)[0].message;
      EXPECT_EQ(message.kind(), id <= taken ? Kind::KIND_STARTED : Kind::KIND_ENDED);
      EXPECT_EQ(message.status().reason(), id <= taken ? wire::ERROR_REASON_UNSPECIFIED : wire::ERROR_REASON_WATCHES_FULL);
    }
  }
  hub().OnCancelled(first.get());
  EXPECT_TRUE(AwaitCondition([&] { return hub().counts().streams == 2; }));
  EXPECT_TRUE(hub().OpenMany(std::make_shared<FakeStream>(&hub()), 4).ok());
}

TEST_F(WatchHubTest, RefusedWatchIsToldWhatCameBeforeItsStart) {
  options_.limits.watches_per_connection_max = 1;
  for (int i = 0; i < 3; ++i) Put("/a", absl::StrCat(i));
  const auto stream = OpenMany();
  Create(*stream, 1, SpecOf("/none"));
  ASSERT_TRUE(AwaitCondition([&] { return stream->frames(1).size() == 1; }));
  Create(*stream, 2, SpecOf("/a", Scope::kKey, 3));
  Create(*stream, 3, SnapshotOf("/a", Scope::kSubtree));
  Create(*stream, 4, SpecOf("/a"));
  WatchSpec other = SpecOf("/a", Scope::kKey, 3);
  other.store_id = "ffffffffffffffffffffffffffffffff";
  Create(*stream, 5, other);
  const int64_t sent[] = {2, 0, 4, 0};
  for (int id = 2; id <= 5; ++id) {
    SCOPED_TRACE(id);
    ASSERT_TRUE(AwaitCondition([&] { return stream->frames(id).size() == 1; }));
    const wire::WatchResponse frame = stream->frames(id)[0].message;
    EXPECT_EQ(frame.kind(), Kind::KIND_ENDED);
    EXPECT_EQ(frame.status().reason(), wire::ERROR_REASON_WATCHES_FULL);
    EXPECT_EQ(frame.status().retry_after().seconds(), 1);
    EXPECT_EQ(frame.status().revision(), sent[id - 2]);
    EXPECT_EQ(frame.revision(), sent[id - 2]);
  }
}

TEST_F(WatchHubTest, AnIdInUseEndsTheStream) {
  const auto stream = OpenMany();
  Create(*stream, 1, SpecOf("/a"));
  ASSERT_TRUE(AwaitCondition([&] { return stream->frames(1).size() == 1; }));
  Create(*stream, 1, SpecOf("/b"));
  const WatchEnd end = EndOf(*stream);
  EXPECT_EQ(end.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailsOf(end.status)->violations.at(0).field, "create.watch_id");
  EXPECT_EQ(stream->frames(1).back().message.kind(), Kind::KIND_ENDED);
  EXPECT_EQ(stream->frames(1).back().message.status().violations(0).field(), "create.watch_id");
}

TEST_F(WatchHubTest, WhatIsClosedLeavesNothing) {
  std::vector<std::shared_ptr<FakeStream>> streams;
  for (int i = 0; i < 50; ++i) streams.push_back(Open(SnapshotOf("/a", Scope::kSubtree)));
  for (int i = 0; i < 50; ++i) streams.push_back(Open(SpecOf(absl::StrCat("/a/", i))));
  streams.push_back(OpenMany());
  for (int i = 1; i <= 100; ++i) Create(*streams.back(), i, SpecOf(absl::StrCat("/b/", i % 10)));
  streams[60]->Stall();
  for (int i = 0; i < 50; ++i) Put(absl::StrCat("/a/", i), "x");
  for (const auto& stream : streams) hub().OnCancelled(stream.get());
  EXPECT_TRUE(AwaitCondition([&] {
    const WatchHub::Counts counts = hub().counts();
    return counts.streams == 0 && counts.watches == 0 && counts.interests == 0 && counts.behind == 0;
  }));
  Put("/a/1", "y");
}

TEST_F(WatchHubTest, TimersOfEndedWatchesDoNotPileUp) {
  const auto stream = OpenMany();
  WatchSpec spec = SpecOf("/a");
  spec.heartbeat = absl::Hours(1);
  for (int id = 1; id <= 5'000; ++id) {
    Create(*stream, id, spec);
    hub().Command(stream.get(), CancelWatch{id});
  }
  EXPECT_TRUE(AwaitCondition([&] { return !stream->frames(5'000).empty() && hub().counts().watches == 0; }));
  EXPECT_LE(hub().counts().timers, 1'100);
}

TEST_F(WatchHubTest, DrainTellsHowFarEachCame) {
  options_.recent_batches_max = 8;
  const auto idle = OpenAndWait(SpecOf("/a"));
  const auto many = OpenMany();
  Create(*many, 1, SpecOf("/a"));
  Create(*many, 2, SpecOf("/b"));
  const auto stalled = OpenAndWait(SpecOf("/a"));
  stalled->Stall();
  EXPECT_TRUE(AwaitCondition([&] { return many->frames(2).size() == 1; }));
  for (int i = 0; i < 20; ++i) Put("/a", absl::StrCat(i));
  EventsOf(*idle, 20);
  EventsOf(*many, 20, 1);
  hub().Drain(absl::UnavailableError("stopping"));
  EXPECT_EQ(EndOf(*idle).revision, 21);
  EXPECT_EQ(EndOf(*many).revision, std::nullopt) << "each watch has its own";
  EXPECT_EQ(many->frames(1).back().message.status().revision(), 21);
  EXPECT_EQ(many->frames(2).back().message.status().revision(), 21);
  EXPECT_EQ(EndOf(*stalled).revision, 2) << "the frame that was on its way";
  const auto late = std::make_shared<FakeStream>(&hub());
  EXPECT_TRUE(hub().OpenOne(late, 1, SpecOf("/a", Scope::kKey, 5)).ok());
  EXPECT_EQ(EndOf(*late).status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(EndOf(*late).revision, 4) << "nothing was sent: it goes on from where it wanted to begin";
  EXPECT_TRUE(AwaitCondition([&] { return hub().counts().streams == 0; }));
}

}  // namespace
}  // namespace scoutlight::server

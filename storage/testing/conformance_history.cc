// Cases on history, compaction and following.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/await.h"
#include "storage/testing/conformance.h"
#include "storage/testing/recording_sink.h"

namespace scoutlight::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kManyBytes = 1 << 20;

// The batches that touch `range`, with their other events left out.
std::vector<Batch> Within(const std::vector<std::shared_ptr<const Batch>>& batches, const KeyRange& range) {
  std::vector<Batch> within;
  for (const auto& batch : batches) {
    Batch copy{batch->revision, batch->committed, {}};
    for (const Event& event : batch->events) {
      if (range.Contains(event.key)) copy.events.push_back(event);
    }
    if (!copy.events.empty()) within.push_back(std::move(copy));
  }
  return within;
}

std::vector<Revision> RevisionsOf(const std::vector<std::shared_ptr<const Batch>>& batches) {
  std::vector<Revision> revisions;
  for (const auto& batch : batches) revisions.push_back(batch->revision);
  return revisions;
}

TEST_P(StoreConformance, HistoryTellsWhatHappenedInOrder) {
  const Revision r1 = sync_->Put(At("/a"), "1").revision;
  const std::optional<Entry> first = sync_->Get(At("/a"));
  const Revision r2 = sync_->Put(At("/a"), "2").revision;
  const std::optional<Entry> second = sync_->Get(At("/a"));
  const Revision r3 = sync_->Delete(At("/a")).revision;
  const HistoryPage page = sync_->History(r1, r3, {At("/a"), Scope::kKey}, kManyBytes);
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_EQ(page.next, r3 + 1);
  ASSERT_THAT(RevisionsOf(page.batches), ElementsAre(r1, r2, r3));
  for (const auto& batch : page.batches) {
    ASSERT_EQ(batch->events.size(), 1u);
    EXPECT_EQ(batch->events[0].key, At("/a"));
    EXPECT_EQ(batch->events[0].cause, EventCause::kWrite);
  }
  const Event& put = page.batches[0]->events[0];
  EXPECT_EQ(put.kind, EventKind::kPut);
  EXPECT_EQ(put.entry, *first);
  if (put.previous_known) {
    EXPECT_EQ(put.previous, std::nullopt);
  }
  const Event& again = page.batches[1]->events[0];
  EXPECT_EQ(again.entry, *second);
  if (again.previous_known) {
    EXPECT_EQ(again.previous, first);
  }
  const Event& gone = page.batches[2]->events[0];
  EXPECT_EQ(gone.kind, EventKind::kDelete);
  EXPECT_EQ(gone.entry.key, At("/a"));
  EXPECT_EQ(gone.entry.mod_revision, r3);
  if (gone.previous_known) {
    EXPECT_EQ(gone.previous, second);
  }
}

TEST_P(StoreConformance, HistoryShowsTheRangeAskedForAlone) {
  const Revision r1 = sync_->Put(At("/p"), "v").revision;
  const Revision r2 = sync_->Commit(TransactionOf({PutOf(At("/p/a"), "v"), PutOf(At("/pA"), "v"), PutOf(At("/p/a/x"), "v")})).revision;
  const Revision r3 = sync_->Put(At("/pA"), "v").revision;
  const Revision r4 = sync_->Put(At("/p/a/x"), "v").revision;
  const auto revisions = [&](Key key, Scope scope) {
    return RevisionsOf(sync_->History(r1, r4, {std::move(key), scope}, kManyBytes).batches);
  };
  EXPECT_THAT(revisions(At("/p"), Scope::kKey), ElementsAre(r1));
  EXPECT_THAT(revisions(At("/p"), Scope::kChildren), ElementsAre(r2));
  EXPECT_THAT(revisions(At("/p"), Scope::kSubtree), ElementsAre(r1, r2, r4));
  EXPECT_THAT(revisions(At("/pA"), Scope::kSubtree), ElementsAre(r2, r3));
  EXPECT_THAT(revisions(At("/nothing"), Scope::kSubtree), IsEmpty());
  const HistoryPage children = sync_->History(r1, r4, {At("/p"), Scope::kChildren}, kManyBytes);
  ASSERT_EQ(children.batches.size(), 1u);
  ASSERT_EQ(children.batches[0]->events.size(), 1u);
  EXPECT_EQ(children.batches[0]->events[0].key, At("/p/a"));
  EXPECT_EQ(children.next, r4 + 1);
}

TEST_P(StoreConformance, HistoryComesInPiecesOfSoManyBytes) {
  const Revision before = sync_->Latest();
  for (int i = 0; i < 20; ++i) sync_->Put(At(absl::StrCat("/p/", i)), std::string(300, 'v'));
  const Revision last = sync_->Latest();
  const KeyRange range{At("/p"), Scope::kSubtree};
  const std::vector<Revision> all = RevisionsOf(sync_->History(before + 1, last, range, kManyBytes).batches);
  EXPECT_EQ(all.size(), 20u);
  for (const size_t bytes : {size_t{1}, size_t{1000}, size_t{3000}}) {
    std::vector<Revision> joined;
    int pieces = 0;
    for (Revision from = before + 1; from <= last; ++pieces) {
      const HistoryPage page = sync_->History(from, last, range, bytes);
      ASSERT_TRUE(page.status.ok()) << page.status;
      ASSERT_GT(page.next, from) << "each piece gets further";
      for (const Revision revision : RevisionsOf(page.batches)) joined.push_back(revision);
      from = page.next;
    }
    EXPECT_EQ(joined, all) << bytes;
    EXPECT_GT(pieces, 1) << bytes;
  }
}

TEST_P(StoreConformance, CompactGivesUpOlderStatesOnly) {
  const Revision r1 = sync_->Put(At("/a"), "1").revision;
  const Revision r2 = sync_->Put(At("/a"), "2").revision;
  sync_->Put(At("/gone"), "x");
  const Revision r4 = sync_->Delete(At("/gone")).revision;
  const Revision r5 = sync_->Put(At("/a"), "3").revision;
  // Having been read before helps nothing.
  EXPECT_EQ(sync_->Get(At("/a"), r1)->value, Text("1"));
  EXPECT_EQ(sync_->Get(At("/a"), r2)->value, Text("2"));
  const CompactResult compact = sync_->Compact(r4);
  ASSERT_TRUE(compact.status.ok()) << compact.status;
  EXPECT_EQ(compact.oldest_revision, r4);
  EXPECT_EQ(compact.revision, r5) << "compaction takes no revision";

  for (const Revision revision : {r1, r2, r4 - 1}) {
    for (const Scope scope : {Scope::kKey, Scope::kChildren, Scope::kSubtree}) {
      const Page page = sync_->Read(QueryOf(At("/a"), scope, revision));
      EXPECT_EQ(page.status.code(), absl::StatusCode::kOutOfRange) << page.status;
      EXPECT_EQ(ReasonOf(page.status), Reason::kCompacted);
      EXPECT_EQ(page.oldest_revision, r4);
      EXPECT_THAT(page.entries, IsEmpty());
    }
    const HistoryPage history = sync_->History(revision, r5, {At(""), Scope::kSubtree}, kManyBytes);
    EXPECT_EQ(history.status.code(), absl::StatusCode::kOutOfRange) << history.status;
    EXPECT_EQ(ReasonOf(history.status), Reason::kCompacted);
    EXPECT_EQ(history.oldest_revision, r4);
  }
  EXPECT_EQ(sync_->Get(At("/a"), r4)->value, Text("2")) << "the oldest itself stays";
  EXPECT_EQ(sync_->History(r4, r5, {At(""), Scope::kSubtree}, kManyBytes).status.code(), absl::StatusCode::kOutOfRange)
      << "but not what led to it";
  EXPECT_THAT(ListNames("", Scope::kSubtree, r4), ElementsAre("/a"));
  EXPECT_THAT(RevisionsOf(sync_->History(r4 + 1, r5, {At(""), Scope::kSubtree}, kManyBytes).batches), ElementsAre(r5));
  EXPECT_EQ(sync_->Get(At("/a"))->value, Text("3"));
}

TEST_P(StoreConformance, CompactAgainChangesNothing) {
  sync_->Put(At("/a"), "1");
  const Revision oldest = sync_->Put(At("/a"), "2").revision;
  const Revision latest = sync_->Put(At("/a"), "3").revision;
  ASSERT_TRUE(sync_->Compact(oldest).status.ok());
  for (const Revision again : {oldest, oldest - 1, Revision{1}}) {
    const CompactResult result = sync_->Compact(again);
    ASSERT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.oldest_revision, oldest);
    EXPECT_EQ(result.revision, latest);
  }
  EXPECT_EQ(sync_->Get(At("/a"), oldest)->value, Text("2"));
}

TEST_P(StoreConformance, CompactOfTheFutureIsRefusedAndOfTheLatestIsNot) {
  sync_->Put(At("/a"), "1");
  const Revision latest = sync_->Put(At("/a"), "2").revision;
  const CompactResult future = sync_->Compact(latest + 1'000'000);
  EXPECT_EQ(future.status.code(), absl::StatusCode::kOutOfRange) << future.status;
  EXPECT_EQ(ReasonOf(future.status), Reason::kFutureRevision);
  EXPECT_TRUE(sync_->Compact(latest).status.ok());
  EXPECT_EQ(sync_->Get(At("/a"), latest)->value, Text("2"));
  EXPECT_EQ(sync_->Get(At("/a"))->value, Text("2"));
  sync_->Put(At("/a"), "3");
  EXPECT_EQ(sync_->Get(At("/a"), latest)->value, Text("2"));
}

TEST_P(StoreConformance, FollowShowsEveryBatchBeforeTheAnswerToItsCommit) {
  const Revision start = sync_->Latest();
  const RecordingSink& sink = Follow(start);
  // Several threads, so that batches are committed together.
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        auto pending = Pending<Revision>::Start([&](Done<Revision> done) {
          store().Commit(TransactionOf({PutOf(At(absl::StrCat("/", t)), absl::StrCat(i)), PutOf(At(absl::StrCat("/", t, "x")), "")}),
                         [&sink, done = std::move(done)](CommitResult result) mutable {
                           EXPECT_TRUE(result.status.ok()) << result.status;
                           EXPECT_GE(sink.reached(), result.revision);
                           std::move(done)(result.revision);
                         });
        });
        pending.Wait();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Revision last = sync_->Latest();
  ASSERT_TRUE(sink.WaitFor(last));
  const std::vector<Batch> shown = Within(sink.batches(), {At(""), Scope::kSubtree});
  EXPECT_EQ(shown.size(), 100u);
  for (const Batch& batch : shown) EXPECT_EQ(batch.events.size(), 2u) << "a transaction is one batch";
  EXPECT_THAT(sink.gaps(), IsEmpty());
}

TEST_P(StoreConformance, FollowShowsHistoryFirstAndThenGoesOn) {
  for (int i = 0; i < 10; ++i) sync_->Put(At("/a"), absl::StrCat(i));
  const Revision start = sync_->Latest();
  for (int i = 10; i < 80; ++i) sync_->Put(At("/a"), absl::StrCat(i));
  std::atomic<bool> followed = false;
  std::thread writer([&] {
    for (int i = 80; i < 160; ++i) sync_->Put(At("/a"), absl::StrCat(i));
    while (!followed) std::this_thread::yield();
    for (int i = 160; i < 170; ++i) sync_->Put(At("/a"), absl::StrCat(i));
  });
  const RecordingSink& sink = Follow(start);
  followed = true;
  writer.join();
  ASSERT_TRUE(sink.WaitFor(sync_->Latest()));
  const std::vector<Batch> shown = Within(sink.batches(), {At("/a"), Scope::kKey});
  ASSERT_EQ(shown.size(), 160u);
  for (size_t i = 0; i < shown.size(); ++i) EXPECT_EQ(shown[i].events[0].entry.value, Text(absl::StrCat(i + 10)));
}

TEST_P(StoreConformance, FollowTellsOfAGapWhenHistoryIsCompacted) {
  const Revision start = sync_->Put(At("/a"), "1").revision;
  sync_->Put(At("/a"), "2");
  const Revision oldest = sync_->Put(At("/a"), "3").revision;
  const Revision r4 = sync_->Put(At("/a"), "4").revision;
  ASSERT_TRUE(sync_->Compact(oldest).status.ok());
  const RecordingSink& sink = Follow(start);
  ASSERT_TRUE(sink.WaitFor(r4));
  const Revision r5 = sync_->Put(At("/a"), "5").revision;
  ASSERT_TRUE(sink.WaitFor(r5));
  ASSERT_EQ(sink.gaps().size(), 1u);
  EXPECT_GE(sink.gaps()[0], oldest);
  EXPECT_LE(sink.gaps()[0], r4);
  const std::vector<Batch> shown = Within(sink.batches(), {At("/a"), Scope::kKey});
  ASSERT_FALSE(shown.empty());
  EXPECT_GT(shown.front().revision, sink.gaps()[0]);
  EXPECT_EQ(shown.back().revision, r5);
}

TEST_P(StoreConformance, ALaterFollowTakesThePlaceOfTheOneBefore) {
  const Revision start = sync_->Latest();
  // More than a leader shows by itself, so that the second comes while history is read for the first.
  for (int i = 0; i < 100; ++i) sync_->Put(At("/a"), absl::StrCat(i));
  const RecordingSink& first = Follow(start);
  const RecordingSink& second = Follow(start);
  ASSERT_TRUE(second.WaitFor(sync_->Latest()));
  const size_t shown_to_first = Within(first.batches(), {At("/a"), Scope::kKey}).size();
  const Revision last = sync_->Put(At("/a"), "last").revision;
  ASSERT_TRUE(second.WaitFor(last));
  EXPECT_EQ(Within(second.batches(), {At("/a"), Scope::kKey}).size(), 101u);
  EXPECT_EQ(Within(first.batches(), {At("/a"), Scope::kKey}).size(), shown_to_first);
}

TEST_P(StoreConformance, WhatFollowShowsReplaysToTheState) {
  const Revision start = sync_->Latest();
  const RecordingSink& sink = Follow(start);
  for (int i = 0; i < 30; ++i) {
    sync_->Put(At(absl::StrCat("/p/", i % 7)), absl::StrCat(i));
    if (i % 5 == 4) sync_->Delete(At(absl::StrCat("/p/", i % 3)));
    if (i % 11 == 10) sync_->Delete(At("/p"), Scope::kSubtree);
  }
  ASSERT_TRUE(sink.WaitFor(sync_->Latest()));
  std::vector<Entry> replayed;
  for (const Batch& batch : Within(sink.batches(), {At(""), Scope::kSubtree})) {
    for (const Event& event : batch.events) {
      const auto same = [&](const Entry& entry) { return entry.key == event.key; };
      const auto there = std::find_if(replayed.begin(), replayed.end(), same);
      if (event.previous_known) {
        EXPECT_EQ(event.previous, there == replayed.end() ? std::nullopt : std::optional<Entry>(*there));
      }
      if (there != replayed.end()) replayed.erase(there);
      if (event.kind == EventKind::kPut) replayed.push_back(event.entry);
    }
  }
  std::sort(replayed.begin(), replayed.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
  EXPECT_EQ(replayed, sync_->List(At("/p"), Scope::kSubtree));
}

TEST_P(StoreConformance, BatchesOfOneTransactionCarryOneCommitTime) {
  const Revision r1 = sync_->Put(At("/a"), "1").revision;
  const HistoryPage page = sync_->History(r1, r1, {At("/a"), Scope::kKey}, kManyBytes);
  ASSERT_EQ(page.batches.size(), 1u);
  if (GetParam().obeys_clock) {
    EXPECT_EQ(page.batches[0]->committed, clock_.Now());
  }
}

}  // namespace
}  // namespace scoutlight::storage

#include "server/watch/recent_batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/testing/sync_store.h"

namespace scoutlight::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

BatchPtr BatchOf(Revision revision, size_t value_bytes = 0) {
  auto batch = std::make_shared<Batch>();
  batch->revision = revision;
  Event event;
  event.key = event.entry.key = storage::K("/a");
  event.entry.value.bytes = std::string(value_bytes, 'x');
  batch->events.push_back(event);
  return batch;
}

RecentBatches::Kept Counted(BatchPtr batch) {
  const size_t bytes = BatchBytes(*batch);
  return {std::move(batch), bytes};
}

std::vector<Revision> RevisionsIn(const BatchRun& run) {
  std::vector<Revision> revisions;
  for (const BatchPtr& batch : run.batches) revisions.push_back(batch->revision);
  return revisions;
}

TEST(RecentBatches, OldestGoBeyondTheBoundOfNumber) {
  RecentBatches recent(3, 1'000'000);
  recent.Restart(10);
  for (const Revision revision : {11, 12, 13}) recent.Add(Counted(BatchOf(revision)));
  EXPECT_EQ(recent.after(), 10);
  recent.Add(Counted(BatchOf(14)));
  EXPECT_EQ(recent.after(), 11);
  EXPECT_EQ(recent.last(), 14);
  EXPECT_EQ(recent.size(), 3u);
}

TEST(RecentBatches, OldestGoBeyondTheBoundOfBytesButTheLastStays) {
  const size_t bytes = BatchBytes(*BatchOf(1, 100));
  RecentBatches recent(100, 2 * bytes);
  recent.Restart(1);
  for (const Revision revision : {2, 3}) recent.Add(Counted(BatchOf(revision, 100)));
  EXPECT_EQ(recent.size(), 2u);
  recent.Add(Counted(BatchOf(4, 101)));
  EXPECT_EQ(recent.size(), 1u);
  EXPECT_EQ(recent.after(), 3);
  recent.Add(Counted(BatchOf(5, 10'000)));
  EXPECT_EQ(recent.size(), 1u);
  EXPECT_EQ(recent.bytes(), BatchBytes(*BatchOf(5, 10'000)));
}

TEST(RecentBatches, TakeGivesARangeAndSaysHowFarItGot) {
  RecentBatches recent(100, 1'000'000);
  recent.Restart(1);
  for (const Revision revision : {2, 4, 6, 8}) recent.Add(Counted(BatchOf(revision, 100)));
  recent.Reach(10);
  EXPECT_EQ(recent.last(), 10);
  const BatchRun all = recent.Take(3, 10, 100, 1'000'000);
  EXPECT_THAT(RevisionsIn(all), ElementsAre(4, 6, 8));
  EXPECT_EQ(all.to, 10);
  const BatchRun some = recent.Take(2, 7, 2, 1'000'000);
  EXPECT_THAT(RevisionsIn(some), ElementsAre(2, 4));
  EXPECT_EQ(some.to, 4);
  const BatchRun one = recent.Take(2, 7, 100, 1);
  EXPECT_THAT(RevisionsIn(one), ElementsAre(2));
  EXPECT_THAT(RevisionsIn(recent.Take(9, 10, 100, 1)), IsEmpty());
}

TEST(RecentBatchesTest, WhatGoesIsGivenBack) {
  RecentBatches recent(2, 1'000'000);
  recent.Restart(1);
  EXPECT_THAT(recent.Add(Counted(BatchOf(2))), IsEmpty());
  const BatchPtr third = BatchOf(3);
  EXPECT_THAT(recent.Add(Counted(third)), IsEmpty());
  const std::vector<BatchPtr> gone = recent.Add(Counted(BatchOf(4)));
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0]->revision, 2);
  const std::deque<RecentBatches::Kept> all = recent.Restart(9);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].batch, third);
  EXPECT_EQ(recent.size(), 0u);
  EXPECT_EQ(recent.bytes(), 0u);
}

}  // namespace
}  // namespace scoutlight::server

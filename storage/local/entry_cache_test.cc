#include "storage/local/entry_cache.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace scoutlight::storage {
namespace {

Key MakeKey(absl::string_view path) { return *Key::Parse(path); }

Entry MakeEntry(absl::string_view path, std::string value = "v") {
  return {
      .key = MakeKey(path), .value = {.bytes = std::move(value)}, .create_revision = 1, .mod_revision = 1, .version = 1, .has_value = true};
}

std::vector<std::shared_ptr<const Batch>> BatchOf(Revision revision, absl::string_view path, EventKind kind, int64_t version) {
  Event event{.key = MakeKey(path), .kind = kind, .entry = {.key = MakeKey(path), .version = version}};
  return {std::make_shared<const Batch>(Batch{.revision = revision, .committed = {}, .events = {std::move(event)}})};
}

TEST(EntryCache, FindsWhatWasKeptForThatViewAndLaterOnes) {
  EntryCache cache;
  EXPECT_EQ(cache.Find("/a", 7), std::nullopt);
  cache.Keep(MakeEntry("/a"), 5);
  EXPECT_EQ(cache.Find("/a", 4), std::nullopt);
  EXPECT_EQ(cache.Find("/a", 5), MakeEntry("/a"));
  EXPECT_EQ(cache.Find("/a", 9), MakeEntry("/a"));
  EXPECT_EQ(cache.Find("/a/b", 9), std::nullopt);
}

TEST(EntryCache, ForgetsWhatABatchChanges) {
  EntryCache cache;
  for (const char* path : {"/a", "/a/b", "/a/b/c", "/d"}) cache.Keep(MakeEntry(path), 5);
  cache.Forget(BatchOf(6, "/a/b", EventKind::kPut, 2));
  EXPECT_EQ(cache.Find("/a/b", 6), std::nullopt);
  // Whether something is below "/a" has not changed.
  EXPECT_NE(cache.Find("/a", 6), std::nullopt);
  EXPECT_NE(cache.Find("/a/b/c", 6), std::nullopt);
  cache.Forget(BatchOf(7, "/a/b/x", EventKind::kPut, 1));
  EXPECT_EQ(cache.Find("/a", 7), std::nullopt);
  EXPECT_NE(cache.Find("/a/b/c", 7), std::nullopt);
  cache.Keep(MakeEntry("/a"), 7);
  cache.Keep(MakeEntry("/a/b"), 7);
  cache.Forget(BatchOf(8, "/a/b/c", EventKind::kDelete, 0));
  for (const char* path : {"/a", "/a/b", "/a/b/c"}) EXPECT_EQ(cache.Find(path, 8), std::nullopt) << path;
  EXPECT_NE(cache.Find("/d", 8), std::nullopt);
}

// A reader that was overtaken by the batch that changed what it has read.
TEST(EntryCache, WhatWasReadBeforeAChangeIsNotKept) {
  EntryCache cache;
  cache.Forget(BatchOf(6, "/a/b", EventKind::kPut, 1));
  cache.Keep(MakeEntry("/a/b"), 5);
  cache.Keep(MakeEntry("/a"), 5);
  EXPECT_EQ(cache.Find("/a/b", 6), std::nullopt);
  EXPECT_EQ(cache.Find("/a", 6), std::nullopt);
  cache.Keep(MakeEntry("/a/b"), 6);
  EXPECT_NE(cache.Find("/a/b", 6), std::nullopt);
  cache.ForgetAll(7);
  EXPECT_EQ(cache.Find("/a/b", 7), std::nullopt);
  cache.Keep(MakeEntry("/a/b"), 6);
  EXPECT_EQ(cache.Find("/a/b", 7), std::nullopt);
}

TEST(EntryCache, KeepsThoseThatWereUsedLast) {
  EntryCache cache;
  const std::string value(EntryCache::kEntryBytesMax - 200, 'x');
  cache.Keep(MakeEntry("/used", value), 1);
  cache.Keep(MakeEntry("/unused", value), 1);
  const int entries = 4 * static_cast<int>(EntryCache::kBytesMax / value.size());
  for (int i = 0; i < entries; ++i) {
    cache.Keep(MakeEntry(absl::StrCat("/k", i), value), 1);
    ASSERT_NE(cache.Find("/used", 1), std::nullopt) << i;
  }
  EXPECT_EQ(cache.Find("/unused", 1), std::nullopt);
  int kept = 0;
  for (int i = 0; i < entries; ++i) kept += cache.Find(absl::StrCat("/k", i), 1).has_value();
  EXPECT_LE(kept * value.size(), EntryCache::kBytesMax);
  EXPECT_GT(kept, entries / 8);
}

TEST(EntryCache, LargeEntriesAreNotKept) {
  EntryCache cache;
  cache.Keep(MakeEntry("/large", std::string(EntryCache::kEntryBytesMax, 'x')), 1);
  EXPECT_EQ(cache.Find("/large", 1), std::nullopt);
}

}  // namespace
}  // namespace scoutlight::storage

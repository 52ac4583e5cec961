#ifndef SCOUTLIGHT_STORAGE_TESTING_ENGINE_SUITE_H_
#define SCOUTLIGHT_STORAGE_TESTING_ENGINE_SUITE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/local/engine.h"
#include "storage/local/layout.h"
#include "storage/local/new_store.h"
#include "storage/testing/engine_rows.h"

// What every Engine does, whatever is under it. A backend's test names a type with
//   static constexpr const char* kStoreId;
//   Engine& engine();      // a new store, made by the constructor
// and instantiates the suite: INSTANTIATE_TYPED_TEST_SUITE_P(Memory, EngineSuite, MemoryFixture);
namespace scoutlight::storage {

template <typename Fixture>
class EngineSuite : public ::testing::Test {
 protected:
  Engine& engine() { return fixture_.engine(); }

  Fixture fixture_;
};
TYPED_TEST_SUITE_P(EngineSuite);

TYPED_TEST_P(EngineSuite, NewStoreHoldsItsMeta) {
  EXPECT_EQ(this->engine().store_id(), TypeParam::kStoreId);
  const auto snapshot = this->engine().TakeSnapshot();
  EXPECT_EQ(GetOr(*snapshot, Table::kMeta, layout::kMetaFormat, ""), layout::EncodeU32(layout::kFormatVersion));
  EXPECT_EQ(GetOr(*snapshot, Table::kMeta, layout::kMetaStoreId, ""), TypeParam::kStoreId);
  EXPECT_EQ(GetOr(*snapshot, Table::kMeta, layout::kMetaRevision, ""), layout::EncodeU64(1));
  EXPECT_EQ(GetOr(*snapshot, Table::kMeta, layout::kMetaOldest, ""), layout::EncodeU64(1));
  EXPECT_EQ(GetOr(*snapshot, Table::kMeta, layout::kMetaLife, ""), layout::EncodeU64(0));
  EXPECT_TRUE(ReadRows(*snapshot, Table::kLive).empty());
}

TYPED_TEST_P(EngineSuite, SnapshotDoesNotSeeLaterWrites) {
  Engine& engine = this->engine();
  ASSERT_TRUE(PutOne(engine, Table::kLive, "a", "1", 2).ok());
  const auto before = engine.TakeSnapshot();
  ASSERT_TRUE(PutOne(engine, Table::kLive, "a", "2", 3).ok());
  ASSERT_TRUE(PutOne(engine, Table::kLive, "b", "2", 4).ok());
  const auto between = engine.TakeSnapshot();
  ASSERT_TRUE(DeleteOne(engine, Table::kLive, "a", 5).ok());
  const auto after = engine.TakeSnapshot();
  engine.Maintain();
  EXPECT_EQ(ReadRows(*before, Table::kLive), (Rows{{"a", "1"}}));
  EXPECT_EQ(ReadRows(*between, Table::kLive), (Rows{{"a", "2"}, {"b", "2"}}));
  EXPECT_EQ(ReadRows(*after, Table::kLive), (Rows{{"b", "2"}}));
  EXPECT_EQ(GetOr(*before, Table::kLive, "b", "none"), "none");
}

TYPED_TEST_P(EngineSuite, WriteMakesAllChangesAtOnceLaterOverEarlier) {
  Engine& engine = this->engine();
  const std::unique_ptr<WriteSet> writes = engine.NewWriteSet();
  const size_t empty_bytes = writes->bytes();
  EXPECT_EQ(empty_bytes, 0u);
  writes->Put(Table::kLive, "a", "1");
  writes->Put(Table::kPast, "a", "other table");
  writes->Delete(Table::kLive, "a");
  writes->Put(Table::kLive, "b", "1");
  writes->Put(Table::kLive, "b", "2");
  EXPECT_GT(writes->bytes(), empty_bytes);
  const auto before = engine.TakeSnapshot();
  ASSERT_TRUE(engine.Write(*writes, 2).ok());
  EXPECT_TRUE(ReadRows(*before, Table::kLive).empty());
  const auto after = engine.TakeSnapshot();
  EXPECT_EQ(ReadRows(*after, Table::kLive), (Rows{{"b", "2"}}));
  EXPECT_EQ(ReadRows(*after, Table::kPast), (Rows{{"a", "other table"}}));
}

TYPED_TEST_P(EngineSuite, CursorStaysWithinItsBoundsInByteOrder) {
  Engine& engine = this->engine();
  const std::string zero("b\0", 2);
  for (const std::string& key : {std::string("a"), std::string("b"), zero, std::string("b\x01"), std::string("c\xff"), std::string("d")}) {
    ASSERT_TRUE(PutOne(engine, Table::kLive, key, "v", 2).ok());
  }
  const auto snapshot = engine.TakeSnapshot();
  EXPECT_EQ(ReadRows(*snapshot, Table::kLive, "b", "c"), (Rows{{"b", "v"}, {zero, "v"}, {"b\x01", "v"}}));
  const std::unique_ptr<Cursor> cursor = snapshot->NewCursor(Table::kLive, "b", "d");
  cursor->Seek("");
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), "b");
  cursor->SeekToLast();
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), "c\xff");
  cursor->Next();
  EXPECT_FALSE(cursor->Valid());
  cursor->Seek("d");
  EXPECT_FALSE(cursor->Valid());
  const std::unique_ptr<Cursor> nothing = snapshot->NewCursor(Table::kLive, "e", "");
  nothing->SeekToLast();
  EXPECT_FALSE(nothing->Valid());
  EXPECT_TRUE(nothing->status().ok());
}

TYPED_TEST_P(EngineSuite, CursorGoesOnWhileItsKeysAreDeleted) {
  Engine& engine = this->engine();
  for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(PutOne(engine, Table::kLive, key, key, 2).ok());
  std::unique_ptr<Cursor> cursor = engine.TakeSnapshot()->NewCursor(Table::kLive, "", "");
  cursor->Seek("a");
  for (const char* key : {"a", "b"}) ASSERT_TRUE(DeleteOne(engine, Table::kLive, key, 3).ok());
  engine.Maintain();
  EXPECT_EQ(cursor->key(), "a");
  EXPECT_EQ(cursor->value(), "a");
  cursor->Next();
  EXPECT_EQ(cursor->key(), "b");
  cursor->Next();
  EXPECT_EQ(cursor->key(), "c");
}

TYPED_TEST_P(EngineSuite, ReopenWaitsForReadersAndKeepsEverything) {
  Engine& engine = this->engine();
  ASSERT_TRUE(PutOne(engine, Table::kLive, "a", "1", 2).ok());
  std::unique_ptr<Cursor> cursor = engine.TakeSnapshot()->NewCursor(Table::kLive, "", "");
  EXPECT_EQ(engine.Reopen().code(), absl::StatusCode::kFailedPrecondition);
  cursor->Seek("");
  EXPECT_TRUE(cursor->Valid());
  cursor.reset();
  const absl::Status reopened = engine.Reopen();
  ASSERT_TRUE(reopened.ok()) << reopened;
  EXPECT_EQ(ReadRows(*engine.TakeSnapshot(), Table::kLive), (Rows{{"a", "1"}}));
  EXPECT_TRUE(PutOne(engine, Table::kLive, "b", "1", 3).ok());
}

TYPED_TEST_P(EngineSuite, EstimatesGrowWithHistory) {
  Engine& engine = this->engine();
  const std::string record(10'000, 'x');
  EXPECT_EQ(engine.LogBytes(2, 101), 0u);
  for (Revision revision = 2; revision < 102; ++revision) {
    ASSERT_TRUE(PutOne(engine, Table::kLog, layout::LogKey(revision, 0), record, revision).ok());
    ASSERT_TRUE(PutOne(engine, Table::kPast, layout::PastKey("\x01k", revision), record, revision).ok());
  }
  // Of a part RocksDB may think anything up to the whole, as its memory tables are a matter of chance.
  EXPECT_GT(engine.LogBytes(2, 101), 0u);
  EXPECT_EQ(engine.LogBytes(200, 300), 0u);
  EXPECT_EQ(engine.LogBytes(500, 400), 0u);
  EXPECT_GT(engine.PastBytes(), 0u);
  EXPECT_TRUE(engine.Verify([] { return false; }).ok());
}

// Random writes, snapshots kept and given back, all compared with plain maps.
TYPED_TEST_P(EngineSuite, AgreesWithAModel) {
  Engine& engine = this->engine();
  std::mt19937_64 random(20221123);
  std::map<std::string, std::string> model;
  std::vector<std::pair<std::shared_ptr<const Snapshot>, Rows>> kept;
  for (int step = 0; step < 600; ++step) {
    const std::unique_ptr<WriteSet> writes = engine.NewWriteSet();
    for (uint64_t i = random() % 4; i-- > 0;) {
      const std::string key = absl::StrCat("key", random() % 20);
      if (random() % 3 == 0) {
        writes->Delete(Table::kLive, key);
        model.erase(key);
      } else {
        model[key] = absl::StrCat(step, ".", i);
        writes->Put(Table::kLive, key, model[key]);
      }
    }
    ASSERT_TRUE(engine.Write(*writes, step + 2).ok());
    if (random() % 3 == 0) kept.emplace_back(engine.TakeSnapshot(), Rows(model.begin(), model.end()));
    if (!kept.empty() && random() % 3 == 0) {
      const size_t at = random() % kept.size();
      ASSERT_EQ(ReadRows(*kept[at].first, Table::kLive), kept[at].second) << "step " << step;
      kept.erase(kept.begin() + static_cast<int64_t>(at));
    }
    if (step % 50 == 0) engine.Maintain();
  }
  for (const auto& [snapshot, rows] : kept) EXPECT_EQ(ReadRows(*snapshot, Table::kLive), rows);
  EXPECT_EQ(ReadRows(*engine.TakeSnapshot(), Table::kLive), Rows(model.begin(), model.end()));
}

// Each write moves both keys together, so a reader that sees them apart has seen half a write.
TYPED_TEST_P(EngineSuite, ReadersBesideAWriterSeeWholeWrites) {
  Engine& engine = this->engine();
  std::atomic<bool> writing{true};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (writing.load()) {
        const Rows rows = ReadRows(*engine.TakeSnapshot(), Table::kLive);
        if (rows.empty()) continue;
        ASSERT_EQ(rows.size(), 2u);
        ASSERT_EQ(rows[0].second, rows[1].second);
      }
    });
  }
  for (int step = 0; step < 200; ++step) {
    const std::unique_ptr<WriteSet> writes = engine.NewWriteSet();
    for (const char* key : {"a", "b"}) {
      step % 7 == 6 ? writes->Delete(Table::kLive, key) : writes->Put(Table::kLive, key, absl::StrCat(step));
    }
    ASSERT_TRUE(engine.Write(*writes, step + 2).ok());
  }
  writing = false;
  for (std::thread& reader : readers) reader.join();
}

REGISTER_TYPED_TEST_SUITE_P(EngineSuite, NewStoreHoldsItsMeta, SnapshotDoesNotSeeLaterWrites, WriteMakesAllChangesAtOnceLaterOverEarlier,
                            CursorStaysWithinItsBoundsInByteOrder, CursorGoesOnWhileItsKeysAreDeleted,
                            ReopenWaitsForReadersAndKeepsEverything, EstimatesGrowWithHistory, AgreesWithAModel,
                            ReadersBesideAWriterSeeWholeWrites);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_ENGINE_SUITE_H_

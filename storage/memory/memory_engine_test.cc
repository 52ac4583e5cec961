#include "storage/memory/memory_engine.h"

#include "storage/testing/engine_suite.h"

namespace scoutlight::storage {
namespace {

class MemoryFixture {
 public:
  static constexpr const char* kStoreId = "0123456789abcdef0123456789abcdef";
  Engine& engine() { return *engine_; }

 private:
  const std::unique_ptr<Engine> engine_ = NewMemoryEngine(kStoreId);
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, EngineSuite, MemoryFixture);

TEST(MemoryEngine, DropHistoryRemovesWhatIsAtOrBelowTheOldest) {
  const std::unique_ptr<Engine> engine = NewMemoryEngine("id");
  for (Revision revision = 2; revision <= 5'001; ++revision) {
    const std::unique_ptr<WriteSet> writes = engine->NewWriteSet();
    writes->Put(Table::kLog, layout::LogKey(revision, 0), "event");
    writes->Put(Table::kPast, layout::PastKey("\x01k", revision), "before");
    ASSERT_TRUE(engine->Write(*writes, revision).ok());
  }
  const uint64_t log_bytes = engine->LogBytes(2, 5'001);
  const uint64_t past_bytes = engine->PastBytes();
  engine->DropHistory(4'999);
  const auto snapshot = engine->TakeSnapshot();
  EXPECT_EQ(ReadRows(*snapshot, Table::kLog), (Rows{{layout::LogKey(5'000, 0), "event"}, {layout::LogKey(5'001, 0), "event"}}));
  EXPECT_EQ(ReadRows(*snapshot, Table::kPast),
            (Rows{{layout::PastKey("\x01k", 5'000), "before"}, {layout::PastKey("\x01k", 5'001), "before"}}));
  EXPECT_EQ(engine->LogBytes(2, 5'001), log_bytes / 2'500);
  EXPECT_EQ(engine->PastBytes(), past_bytes / 2'500);
}

TEST(MemoryEngine, IsNotLimitedInSpace) { EXPECT_FALSE(NewMemoryEngine("id")->FreeRoom().has_value()); }

}  // namespace
}  // namespace scoutlight::storage

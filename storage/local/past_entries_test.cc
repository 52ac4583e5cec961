#include "storage/local/past_entries.h"

#include <memory>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/local/layout.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_engine.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

Entry MakeEntry(absl::string_view path, std::string value) {
  return {.key = *Key::Parse(path), .value = {.bytes = std::move(value)}, .create_revision = 1, .mod_revision = 1, .has_value = true};
}

TEST(PastEntries, FindsWhatWasKeptOfThatStateAndOfNoOther) {
  PastEntries entries;
  entries.Keep(MakeEntry("/a", "at 5"), 5);
  entries.Keep(MakeEntry("/a", "at 7"), 7);
  EXPECT_EQ(entries.Find("/a", 5), MakeEntry("/a", "at 5"));
  EXPECT_EQ(entries.Find("/a", 7), MakeEntry("/a", "at 7"));
  EXPECT_EQ(entries.Find("/a", 6), std::nullopt);
  EXPECT_EQ(entries.Find("/b", 5), std::nullopt);
}

TEST(PastEntries, KeepsThoseThatWereUsedLast) {
  PastEntries entries;
  const std::string value(PastEntries::kEntryBytesMax - 200, 'x');
  entries.Keep(MakeEntry("/used", value), 1);
  entries.Keep(MakeEntry("/unused", value), 1);
  const int count = 4 * static_cast<int>(PastEntries::kBytesMax / value.size());
  for (int i = 0; i < count; ++i) {
    entries.Keep(MakeEntry(absl::StrCat("/k", i), value), 1);
    ASSERT_NE(entries.Find("/used", 1), std::nullopt) << i;
  }
  EXPECT_EQ(entries.Find("/unused", 1), std::nullopt);
  int kept = 0;
  for (int i = 0; i < count; ++i) kept += entries.Find(absl::StrCat("/k", i), 1).has_value();
  EXPECT_LE(kept * value.size(), PastEntries::kBytesMax);
  EXPECT_GT(kept, count / 8);
}

TEST(PastEntries, LargeEntriesAreNotKept) {
  PastEntries entries;
  entries.Keep(MakeEntry("/large", std::string(PastEntries::kEntryBytesMax, 'x')), 1);
  EXPECT_EQ(entries.Find("/large", 1), std::nullopt);
}

// What a key was is damaged behind the store's back: who has read it sees it all the same, who has not is told.
TEST(PastEntries, AreAskedBeforeTheEngine) {
  FakeClock clock;
  auto engine = NewMemoryEngine("0123456789abcdef0123456789abcdef");
  Engine& beneath = *engine;
  LocalStoreOptions options;
  options.clock = &clock;
  options.random = std::mt19937_64(1);
  const std::unique_ptr<Store> opened = OpenLocalStore(std::move(engine), std::move(options)).value();
  const SyncStore store(opened.get());
  for (const char* path : {"/read", "/unread"}) ASSERT_TRUE(store.Put(K(path), "before").status.ok());
  const Revision before = store.Latest();
  const std::unique_ptr<WriteSet> writes = beneath.NewWriteSet();
  for (const char* path : {"/read", "/unread"}) {
    const Revision changed = store.Put(K(path), "after").revision;
    writes->Put(Table::kPast, layout::PastKey(layout::EncodePath(K(path)), changed), "no entry");
  }
  EXPECT_EQ(store.Get(K("/read"), before)->value, Text("before")) << "from here on it is kept";
  ASSERT_TRUE(beneath.Write(*writes, store.Latest()).ok());
  ASSERT_TRUE(store.Put(K("/other"), "v").status.ok()) << "from here on the store sees it";
  EXPECT_EQ(store.Get(K("/read"), before)->value, Text("before"));
  EXPECT_TRUE(absl::IsDataLoss(store.Read(QueryOf(K("/unread"), Scope::kKey, before)).status));
}

}  // namespace
}  // namespace scoutlight::storage

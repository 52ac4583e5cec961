#include "storage/local/past_entries.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

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

}  // namespace
}  // namespace scoutlight::storage

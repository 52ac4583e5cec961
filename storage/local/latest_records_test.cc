#include "storage/local/latest_records.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace scoutlight::storage {
namespace {

std::optional<std::string> Found(const LatestRecords& records, absl::string_view path) {
  const std::string* const record = records.Find(path);
  return record == nullptr ? std::nullopt : std::optional<std::string>(*record);
}

TEST(LatestRecords, KnowsWhatWasWrittenLast) {
  LatestRecords records;
  EXPECT_EQ(Found(records, "a"), std::nullopt);
  records.Set("a", "1");
  records.Set("b", "2");
  records.Set("a", "3");
  EXPECT_EQ(Found(records, "a"), "3");
  EXPECT_EQ(Found(records, "b"), "2");
  records.Set("a", std::nullopt);
  EXPECT_EQ(Found(records, "a"), std::nullopt);
  records.Clear();
  EXPECT_EQ(Found(records, "b"), std::nullopt);
}

TEST(LatestRecords, AnEmptyRecordIsNotNothing) {
  LatestRecords records;
  records.Set("a", "");
  EXPECT_EQ(Found(records, "a"), "");
}

TEST(LatestRecords, ALargeOneTakesThePlaceOfASmallOneAndIsNotKept) {
  LatestRecords records;
  records.Set("a", "1");
  records.Set("a", std::string(LatestRecords::kRecordBytesMax + 1, 'x'));
  EXPECT_EQ(Found(records, "a"), std::nullopt);
}

TEST(LatestRecords, ThoseWrittenLongAgoGiveWayToOthers) {
  LatestRecords records;
  const std::string record(LatestRecords::kRecordBytesMax, 'x');
  records.Set("first", record);
  records.Set("written again", record);
  const int fit = static_cast<int>(LatestRecords::kBytesMax / record.size());
  for (int i = 0; i < fit; ++i) {
    records.Set(absl::StrCat(i), record);
    records.Set("written again", record);
  }
  EXPECT_EQ(Found(records, "first"), std::nullopt);
  EXPECT_EQ(Found(records, "0"), std::nullopt);
  EXPECT_EQ(Found(records, "written again"), record);
  EXPECT_EQ(Found(records, absl::StrCat(fit - 1)), record);
  // What has shrunk makes room: all of these fit.
  for (int i = 0; i < fit; ++i) records.Set(absl::StrCat(i), "small");
  for (int i = 0; i < fit; ++i) EXPECT_EQ(Found(records, absl::StrCat(i)), "small") << i;
}

}  // namespace
}  // namespace scoutlight::storage

#include "cli/entry_lines.h"

#include <gtest/gtest.h>

#include <string>

#include "client/transaction.h"

namespace scoutlight::cli {
namespace {

std::string AllBytes() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  return bytes;
}

TEST(EntryLinesTest, ValuesComeBackByteForByteInTheirForm) {
  for (const Value& value : {TextValue(""), TextValue("a \"b\"\n\x01\xc3\xa4"), DataValue(""), DataValue("text"), DataValue(AllBytes())}) {
    const std::string text = TextOf(ExportedEntry{"/a/\"b\"", value});
    EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
    const absl::StatusOr<ExportLine> line = ParseExportLine(text);
    ASSERT_TRUE(line.ok()) << line.status();
    EXPECT_EQ(std::get<ExportedEntry>(*line).key, "/a/\"b\"");
    EXPECT_EQ(std::get<ExportedEntry>(*line).value, value);
  }
}

TEST(EntryLinesTest, TheFirstAndTheLastLineComeBack) {
  const absl::StatusOr<ExportLine> begin = ParseExportLine(TextOf(ExportBegin{"/a", 7, "s"}));
  ASSERT_TRUE(begin.ok()) << begin.status();
  EXPECT_EQ(std::get<ExportBegin>(*begin).prefix, "/a");
  EXPECT_EQ(std::get<ExportBegin>(*begin).revision, 7);
  EXPECT_EQ(std::get<ExportBegin>(*begin).store_id, "s");
  const absl::StatusOr<ExportLine> end = ParseExportLine(TextOf(ExportEnd{3}));
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(std::get<ExportEnd>(*end).entries, 3);
}

TEST(EntryLinesTest, WhatIsNoLineIsRefusedWithTheReason) {
  const auto fault = [](const std::string& text) { return std::string(ParseExportLine(text).status().message()); };
  EXPECT_EQ(fault("{"), "is no object of JSON");
  EXPECT_EQ(fault("[]"), "is no object of JSON");
  EXPECT_EQ(fault(R"({"key": "/a"})"), "must have \"key\" and \"value\", both texts");
  EXPECT_EQ(fault(R"({"key": "/a", "value": 1})"), "must have \"key\" and \"value\", both texts");
  EXPECT_EQ(fault(R"({"key": "/a", "value": "", "lease": 1})"), "has a member that is not known, \"lease\"");
  EXPECT_EQ(fault(R"({"key": "/a", "value": "", "encoding": "hex"})"), "\"encoding\" must be \"base64\", or not be there");
  EXPECT_EQ(fault(R"({"key": "/a", "value": "?", "encoding": "base64"})"), "\"value\" is no base64");
  EXPECT_EQ(fault(R"({"scoutlight_export": 2})"), "is of an export in a form that this program does not know");
  EXPECT_EQ(fault(R"({"end": true})"), "must have \"entries\", a number");
  EXPECT_EQ(fault(R"({"key": "/a", "value": ")" + std::string((1 << 20) + 1, 'x') + R"("})"),
            "\"value\" has 1048577 bytes, at most 1048576");
}

}  // namespace
}  // namespace scoutlight::cli

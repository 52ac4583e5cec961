#include "server/clean_text.h"

#include <string>

#include "base/utf8.h"
#include "gtest/gtest.h"

namespace scoutlight::server {
namespace {

std::string Many(size_t times, absl::string_view text) {
  std::string many;
  for (size_t i = 0; i < times; ++i) many.append(text.data(), text.size());
  return many;
}

TEST(CleanText, BytesThatAreNoTextAreReplacedAndTextIsLeft) {
  constexpr size_t kMax = 100;
  const struct {
    const char* text;
    const char* clean;
  } cases[] = {
      {"", ""},
      {"plain", "plain"},
      {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"\xff", "?"},
      {"a\xff\xfe"
       "b",
       "a??b"},
      {"\x80\x80", "??"},
      {"cut off \xe2\x82", "cut off ??"},
      {"overlong \xc0\xaf", "overlong ??"},
      {"surrogate \xed\xa0\x80", "surrogate ???"},
      {"\xc3\xa4\xff\xc3\xa4", "\xc3\xa4?\xc3\xa4"},
  };
  for (const auto& [text, clean] : cases) EXPECT_EQ(CleanText(text, kMax), clean);
}

TEST(CleanText, IsCutAboveTheBoundBetweenCharacters) {
  constexpr size_t kMax = 16;
  EXPECT_EQ(CleanText(Many(16, "x"), kMax), Many(16, "x"));
  EXPECT_EQ(CleanText(Many(17, "x"), kMax), Many(13, "x") + "...");
  EXPECT_EQ(CleanText(Many(8, "\xc3\xa4"), kMax), Many(8, "\xc3\xa4"));
  EXPECT_EQ(CleanText(Many(9, "\xc3\xa4"), kMax), Many(6, "\xc3\xa4") + "...");
  EXPECT_EQ(CleanText(Many(5, "\xf0\x9f\x98\x80"), kMax), Many(3, "\xf0\x9f\x98\x80") + "...");
  // What only looks like the inside of a character is a character of its own.
  EXPECT_EQ(CleanText(Many(1'000, "\x80"), kMax), Many(13, "?") + "...");
  EXPECT_EQ(CleanText("xxxx", 3), "...");
}

TEST(CleanText, IsTextWhereverItIsCut) {
  const std::string text = Many(20, "\xf0\x9f\x98\x80\xff\xe2\x82\xac");
  for (size_t max = 3; max < text.size() + 5; ++max) {
    const std::string clean = CleanText(text, max);
    EXPECT_LE(clean.size(), max);
    EXPECT_FALSE(FindInvalidUtf8(clean).has_value()) << max;
  }
}

}  // namespace
}  // namespace scoutlight::server

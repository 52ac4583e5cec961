#include "base/utf8.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace scoutlight {
namespace {

struct Case {
  const char* name;
  std::string text;
  std::optional<size_t> bad;
};

TEST(FindInvalidUtf8, NamesTheFirstByteOfTheFirstBadSequence) {
  const Case cases[] = {
      {"empty", "", std::nullopt},
      {"ASCII", "plain text", std::nullopt},
      {"NUL is well formed", std::string("a\0b", 3), std::nullopt},
      {"first and last of two bytes", "\xC2\x80\xDF\xBF", std::nullopt},
      {"first and last of three bytes", "\xE0\xA0\x80\xEF\xBF\xBF", std::nullopt},
      {"around the surrogates", "\xED\x9F\xBF\xEE\x80\x80", std::nullopt},
      {"first and last of four bytes", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", std::nullopt},
      {"tail without a lead", "ab\x80", 2},
      {"overlong slash", "/\xC0\xAF", 1},
      {"overlong two bytes", "\xC1\xBF", 0},
      {"overlong three bytes", "\xE0\x9F\xBF", 0},
      {"overlong four bytes", "\xF0\x8F\xBF\xBF", 0},
      {"first surrogate", "a\xED\xA0\x80", 1},
      {"last surrogate", "\xED\xBF\xBF", 0},
      {"above U+10FFFF", "\xF4\x90\x80\x80", 0},
      {"lead that never occurs", "\xF5\x80\x80\x80", 0},
      {"0xFF", "abc\xFF", 3},
      {"two bytes cut at the end", "a\xC3", 1},
      {"three bytes cut at the end", "a\xE2\x82", 1},
      {"four bytes cut at the end", "\xF0\x9F\x98", 0},
      {"sequence broken by ASCII", "\xE2\x82z", 0},
      {"good before bad", "\xC3\xA9\xE2\x82\xAC\xFE", 5},
  };
  for (const Case& c : cases) EXPECT_EQ(FindInvalidUtf8(c.text), c.bad) << c.name;
}

TEST(FindControlCharacter, KnowsBothBlocksAndTheirNeighbours) {
  const Case cases[] = {
      {"none", "plain ~ text", std::nullopt},
      {"NUL", std::string("a\0", 2), 1},
      {"last of the first block", "ab\x1F", 2},
      {"space is none", " ", std::nullopt},
      {"DEL", "a\x7F", 1},
      {"U+0080", "a\xC2\x80", 1},
      {"U+009F", "\xC2\x9F", 0},
      {"U+00A0 is none", "\xC2\xA0", std::nullopt},
      {"a tail like one is none", "\xC3\x80\xE2\x82\x80", std::nullopt},
  };
  for (const Case& c : cases) EXPECT_EQ(FindControlCharacter(c.text), c.bad) << c.name;
}

}  // namespace
}  // namespace scoutlight

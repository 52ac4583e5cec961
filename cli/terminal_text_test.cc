#include "cli/terminal_text.h"

#include <gtest/gtest.h>
#include <locale.h>

namespace scoutlight::cli {
namespace {

TEST(TerminalTextTest, WhatATerminalWouldActOnIsEscaped) {
  EXPECT_EQ(Printable("red: \x1b[31m bell: \a"), "red: \\x1b[31m bell: \\x07");
  EXPECT_EQ(Printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\x9b");  // The control sequence introducer in one character.
  EXPECT_EQ(Printable("a\xe2\x80\xae"
                      "b"),
            "a\\u{202e}b");                            // From right to left.
  EXPECT_EQ(Printable("a\xffz\xc3"), "a\\xffz\\xc3");  // No UTF-8.
  EXPECT_EQ(Printable("käse 鍵 \\n"), "käse 鍵 \\n");  // What is only shown stays.
  EXPECT_EQ(Printable(absl::string_view("\0", 1)), "\\x00");
}

TEST(TerminalTextTest, LineBreaksStayWhereTheyMay) { EXPECT_EQ(Printable("a\n\tb\r\x1b", LineBreaks::kKept), "a\n\tb\\r\\x1b"); }

TEST(TerminalTextTest, WidthIsThatOfTheTerminal) {
  ASSERT_NE(setlocale(LC_CTYPE, "C.UTF-8"), nullptr);
  EXPECT_EQ(WidthOf("abc"), 3);
  EXPECT_EQ(WidthOf("käse"), 4);
  EXPECT_EQ(WidthOf("鍵"), 2);
}

TEST(TerminalTextTest, WhatIsTooBroadIsCut) {
  ASSERT_NE(setlocale(LC_CTYPE, "C.UTF-8"), nullptr);
  EXPECT_EQ(CutTo("abcdef", 6), "abcdef");
  EXPECT_EQ(CutTo("abcdef", 5), "abcd…");
  EXPECT_EQ(CutTo("鍵鍵鍵", 4), "鍵…");
  EXPECT_EQ(CutTo("", 1), "");
}

TEST(TerminalTextTest, ValuesAreTextOrMarkedAsBytes) {
  EXPECT_EQ(ValueText({Value::Form::kText, "käse"}), "käse");
  EXPECT_EQ(ValueText({Value::Form::kData, "plain"}), "plain");
  EXPECT_EQ(ValueText({Value::Form::kData, "\xff\x01"}), "base64:/wE=");
}

}  // namespace
}  // namespace scoutlight::cli

#include "cli/terminal_text.h"

#include <wchar.h>

#include <cstddef>
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/utf8.h"

namespace scoutlight::cli {
namespace {

constexpr absl::string_view kEllipsis = "…";

struct Character {
  uint32_t code = 0;
  size_t bytes = 1;
};

// The first character of `text`, which is valid UTF-8 and not empty.
Character FirstOf(absl::string_view text) {
  const auto byte = [text](size_t at) { return static_cast<uint32_t>(static_cast<uint8_t>(text[at])); };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  uint32_t code = first & (0xffU >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) code = code << 6 | (byte(i) & 0x3f);
  return {code, bytes};
}

// What turns the direction of writing, or breaks lines where no control character does.
bool IsFormatting(uint32_t code) {
  return code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

bool IsControl(uint32_t code) { return code < 0x20 || (code >= 0x7f && code <= 0x9f); }

std::string Escaped(uint32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\t') return "\\t";
  if (code == '\r') return "\\r";
  return IsControl(code) ? absl::StrFormat("\\x%02x", code) : absl::StrFormat("\\u{%x}", code);
}

void AppendPrintable(absl::string_view valid, LineBreaks breaks, std::string* out) {
  while (!valid.empty()) {
    const Character character = FirstOf(valid);
    const bool kept = breaks == LineBreaks::kKept && (character.code == '\n' || character.code == '\t');
    if (!kept && (IsControl(character.code) || IsFormatting(character.code))) {
      out->append(Escaped(character.code));
    } else {
      absl::StrAppend(out, valid.substr(0, character.bytes));
    }
    valid.remove_prefix(character.bytes);
  }
}

int WidthOf(Character character) {
  // Of a character that this C library does not know: one column.
  const int width = wcwidth(static_cast<wchar_t>(character.code));
  return width < 0 ? 1 : width;
}

}  // namespace

std::string Printable(absl::string_view text, LineBreaks breaks) {
  std::string out;
  while (!text.empty()) {
    const size_t valid = FindInvalidUtf8(text).value_or(text.size());
    AppendPrintable(text.substr(0, valid), breaks, &out);
    text.remove_prefix(valid);
    if (text.empty()) break;
    absl::StrAppendFormat(&out, "\\x%02x", static_cast<uint8_t>(text.front()));
    text.remove_prefix(1);
  }
  return out;
}

int WidthOf(absl::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Character character = FirstOf(text);
    width += WidthOf(character);
    text.remove_prefix(character.bytes);
  }
  return width;
}

std::string CutTo(absl::string_view text, int columns) {
  size_t kept = 0;  // Bytes that leave a column for the ellipsis.
  int width = 0;
  for (size_t at = 0; at < text.size();) {
    const Character character = FirstOf(text.substr(at));
    width += WidthOf(character);
    if (width > columns) return absl::StrCat(text.substr(0, kept), kEllipsis);
    at += character.bytes;
    if (width < columns) kept = at;
  }
  return std::string(text);
}

std::string ValueText(const Value& value) {
  if (FindInvalidUtf8(value.bytes).has_value()) return absl::StrCat("base64:", absl::Base64Escape(value.bytes));
  return value.bytes;
}

std::string Coloured(Colour colour, absl::string_view text) {
  constexpr absl::string_view kReset = "\x1b[0m";
  switch (colour) {
    case Colour::kNone:
      break;
    case Colour::kDim:
      return absl::StrCat("\x1b[2m", text, kReset);
    case Colour::kGreen:
      return absl::StrCat("\x1b[32m", text, kReset);
    case Colour::kYellow:
      return absl::StrCat("\x1b[33m", text, kReset);
    case Colour::kRed:
      return absl::StrCat("\x1b[31m", text, kReset);
  }
  return std::string(text);
}

}  // namespace scoutlight::cli

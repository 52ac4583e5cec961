#include "base/shown.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace scoutlight {

std::string Shown(absl::string_view text) {
  constexpr size_t kShownBytesMax = 80;
  // Cutting may split a character, and bad UTF-8 may not be shown, so these are escaped byte by byte.
  if (text.size() > kShownBytesMax) return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kShownBytesMax)), "...\"");
  if (FindInvalidUtf8(text).has_value()) return absl::StrCat("\"", absl::CHexEscape(text), "\"");
  return absl::StrCat("\"", absl::Utf8SafeCHexEscape(text), "\"");
}

}  // namespace scoutlight

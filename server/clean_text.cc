#include "server/clean_text.h"

#include <optional>

#include "base/utf8.h"

namespace scoutlight::server {
namespace {

bool IsWithinCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

}  // namespace

std::string CleanText(absl::string_view text, size_t bytes_max) {
  constexpr absl::string_view kCut = "...";
  constexpr size_t kCharacterBytesMax = 4;
  // No more than is shown, and enough to see whether the last character is whole.
  std::string clean(text.substr(0, bytes_max + kCharacterBytesMax));
  for (size_t checked = 0;;) {
    const std::optional<size_t> bad = FindInvalidUtf8(absl::string_view(clean).substr(checked));
    if (!bad.has_value()) break;
    checked += *bad;
    clean[checked] = '?';
  }
  if (clean.size() <= bytes_max) return clean;
  size_t end = bytes_max - kCut.size();
  while (end > 0 && IsWithinCharacter(clean[end])) --end;
  clean.resize(end);
  clean.append(kCut.data(), kCut.size());
  return clean;
}

}  // namespace scoutlight::server

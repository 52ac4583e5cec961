// Keys and ranges against their rules, followed in the plainest way. Input: keys, one a line.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/error.h"
#include "base/key.h"
#include "base/limits.h"
#include "storage/local/layout.h"
#include "tests/fuzz/fuzz_target.h"

namespace scoutlight::fuzz {
namespace {

using Segments = std::vector<std::string>;
namespace layout = storage::layout;

constexpr size_t kKeysMax = 4;  // Of one input.
constexpr Scope kScopes[] = {Scope::kKey, Scope::kChildren, Scope::kSubtree};

std::string Utf8Of(uint32_t point) {
  const auto tail = [point](int shift) { return static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xC0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xE0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | point >> 18), tail(12), tail(6), tail(0)};
}

// The characters of `text`; nullopt: it is not UTF-8. A character is what its shortest form gives back.
std::optional<std::vector<uint32_t>> CharactersOf(absl::string_view text) {
  std::vector<uint32_t> points;
  for (size_t i = 0; i < text.size();) {
    const uint8_t lead = static_cast<uint8_t>(text[i]);
    const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t point = size == 1 ? lead : lead & (0x7F >> size);
    for (size_t at = i + 1; at < i + size && at < text.size(); ++at) point = point << 6 | (static_cast<uint8_t>(text[at]) & 0x3F);
    if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000) || Utf8Of(point) != text.substr(i, size)) return std::nullopt;
    points.push_back(point);
    i += size;
  }
  return points;
}

// What base/key.h says that Parse reads; nullopt: no key.
std::optional<Segments> SegmentsOf(std::string text) {
  if (text.empty()) return std::nullopt;
  if (text == "/") return Segments();
  if (text[0] == '/') text.erase(0, 1);
  if (absl::EndsWith(text, "/")) text.pop_back();
  Segments segments = absl::StrSplit(text, '/');
  if (text.size() + 1 > limits::kKeyBytesMax || segments.size() > static_cast<size_t>(limits::kKeySegmentsMax)) return std::nullopt;
  const auto characters = CharactersOf(text);
  if (!characters.has_value()) return std::nullopt;
  for (const uint32_t point : *characters) {
    if (point < 0x20 || (point >= 0x7F && point <= 0x9F)) return std::nullopt;
  }
  for (const std::string& segment : segments) {
    if (segment.empty() || segment == "." || segment == "..") return std::nullopt;
  }
  return segments;
}

struct Known {
  Key key;
  Segments segments;
};

bool IsPrefix(const Segments& shorter, const Segments& longer) {
  return shorter.size() <= longer.size() && std::equal(shorter.begin(), shorter.end(), longer.begin());
}

bool IsIn(const Segments& key, const Segments& around, Scope scope) {
  if (!IsPrefix(around, key)) return false;
  return scope == Scope::kSubtree || key.size() == around.size() + (scope == Scope::kChildren ? 1 : 0);
}

// Reads one text by Key and by the rules.
std::optional<Known> Read(absl::string_view text) {
  const std::optional<Segments> expected = SegmentsOf(std::string(text));
  const absl::StatusOr<Key> key = Key::Parse(text);
  Require(key.ok() == expected.has_value(), "Parse and the rules disagree: ", key.status().ToString());
  if (!key.ok()) {
    Require(key.status().code() == absl::StatusCode::kInvalidArgument && ReasonOf(key.status()) == Reason::kInvalidKey,
            key.status().ToString());
    Require(DetailsOf(key.status())->violations.size() == 1, "one field is violated");
    Require(!Key::FromNormal(text).ok(), "FromNormal takes what is no key");
    return std::nullopt;
  }
  const std::string path = absl::StrCat("/", absl::StrJoin(*expected, "/"));
  Require(key->path() == path, "path is ", key->path());
  Require(Key::FromNormal(text).ok() == (text == path), "FromNormal takes the normal form alone");
  Require(key->is_root() == expected->empty(), "is_root");
  Require(key->name() == (expected->empty() ? "" : expected->back()), "name is ", key->name());
  Require(key->IsSystem() == (!expected->empty() && expected->front() == kSystemTree.substr(1)), "IsSystem");
  Segments parent = *expected;
  if (!parent.empty()) parent.pop_back();
  Require(key->Parent().path() == absl::StrCat("/", absl::StrJoin(parent, "/")), "Parent is ", key->Parent().path());
  const absl::StatusOr<Key> stored = layout::DecodePath(layout::EncodePath(*key));
  Require(stored.ok() && *stored == *key, "stored path reads back");
  return Known{*key, *expected};
}

void CompareOrder(const Known& a, const Known& b) {
  Require((a.key < b.key) == (a.segments < b.segments), "order of ", a.key.path(), " and ", b.key.path());
  Require((a.key == b.key) == (a.segments == b.segments), "equality of ", a.key.path(), " and ", b.key.path());
  Require(a.key.IsWithin(b.key) == IsPrefix(b.segments, a.segments), a.key.path(), " within ", b.key.path());
  const std::string path_a = layout::EncodePath(a.key), path_b = layout::EncodePath(b.key);
  Require((path_a < path_b) == (a.segments < b.segments), "order on disk of ", a.key.path(), " and ", b.key.path());
  const bool in_range = path_b <= path_a && path_a < layout::SubtreeEnd(path_b);
  Require(in_range == IsPrefix(b.segments, a.segments), "range on disk of ", b.key.path(), " with ", a.key.path());
}

// Two ranges overlap if one of these keys is in both: their own, and one just below each.
void CompareRanges(const Known& a, const Known& b) {
  std::vector<Segments> witnesses = {a.segments, b.segments};
  bool all_are_keys = true;
  for (const Known* known : {&a, &b}) {
    Segments below = known->segments;
    below.push_back("w");
    const bool is_key = SegmentsOf(absl::StrJoin(below, "/")).has_value();
    all_are_keys = all_are_keys && is_key;
    if (is_key) witnesses.push_back(std::move(below));
  }
  for (const Scope scope_a : kScopes) {
    const KeyRange range_a{a.key, scope_a};
    Require(range_a.Contains(b.key) == IsIn(b.segments, a.segments, scope_a), "range around ", a.key.path(), " and ", b.key.path());
    for (const Scope scope_b : kScopes) {
      bool overlap = false;
      for (const Segments& key : witnesses) overlap = overlap || (IsIn(key, a.segments, scope_a) && IsIn(key, b.segments, scope_b));
      const bool claimed = range_a.Overlaps({b.key, scope_b});
      Require(claimed || !overlap, "ranges around ", a.key.path(), " and ", b.key.path(), " have a key in common");
      Require(overlap || !claimed || !all_are_keys, "ranges around ", a.key.path(), " and ", b.key.path(), " have no key in common");
      Require(claimed == KeyRange{b.key, scope_b}.Overlaps(range_a), "overlap is mutual");
    }
  }
}

}  // namespace

void FuzzKeys(absl::string_view bytes) {
  std::vector<Known> known;
  for (const absl::string_view line : absl::StrSplit(bytes, absl::MaxSplits('\n', kKeysMax - 1))) {
    if (std::optional<Known> key = Read(line)) known.push_back(*std::move(key));
  }
  for (const Known& a : known) {
    for (const Known& b : known) {
      CompareOrder(a, b);
      CompareRanges(a, b);
    }
  }
}

}  // namespace scoutlight::fuzz

#include "base/key.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/shown.h"
#include "base/utf8.h"

namespace scoutlight {
namespace {

// Why `path`, which starts with a slash and is longer than one byte, is no key; empty when it is one.
std::string Fault(absl::string_view path) {
  if (path.size() > limits::kKeyBytesMax) {
    return absl::StrCat("is ", path.size(), " bytes long, at most ", limits::kKeyBytesMax, " are allowed");
  }
  if (const std::optional<size_t> bad = FindInvalidUtf8(path); bad.has_value()) {
    return absl::StrCat("is not valid UTF-8 at byte ", *bad);
  }
  if (const std::optional<size_t> bad = FindControlCharacter(path); bad.has_value()) {
    return absl::StrCat("has a control character at byte ", *bad);
  }
  int segments = 0;
  for (size_t start = 1; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const absl::string_view segment = path.substr(start, end - start);
    ++segments;
    if (segment.empty()) return absl::StrCat("has an empty segment at byte ", start);
    if (segment == "." || segment == "..") return absl::StrCat("has the segment \"", segment, "\" at byte ", start);
    start = end + 1;
  }
  if (segments > limits::kKeySegmentsMax) {
    return absl::StrCat("has ", segments, " segments, at most ", limits::kKeySegmentsMax, " are allowed");
  }
  return "";
}

}  // namespace

absl::StatusOr<Key> Key::Parse(absl::string_view text, absl::string_view field) {
  if (text.empty()) return InvalidField(Reason::kInvalidKey, field, "is empty; a key is an absolute path such as /a/b");
  if (text == "/") return Key();
  std::string path = text.front() == '/' ? std::string(text) : absl::StrCat("/", text);
  if (path.back() == '/') path.pop_back();
  const std::string fault = Fault(path);
  if (!fault.empty()) return InvalidField(Reason::kInvalidKey, field, absl::StrCat(Shown(text), " ", fault));
  return Key(std::move(path));
}

absl::StatusOr<Key> Key::FromNormal(absl::string_view path) {
  if (path == "/") return Key();
  if (path.size() < 2 || path.front() != '/') return InvalidField(Reason::kInvalidKey, "key", "is not in normal form");
  const std::string fault = Fault(path);
  if (!fault.empty()) return InvalidField(Reason::kInvalidKey, "key", fault);
  return Key(std::string(path));
}

absl::string_view Key::name() const { return absl::string_view(path_).substr(path_.rfind('/') + 1); }

Key Key::Parent() const {
  const size_t slash = path_.rfind('/');
  return slash == 0 ? Key() : Key(path_.substr(0, slash));
}

bool Key::IsWithin(const Key& other) const {
  if (other.is_root()) return true;
  if (!absl::StartsWith(path_, other.path_)) return false;
  return path_.size() == other.path_.size() || path_[other.path_.size()] == '/';
}

bool Key::IsSystem() const {
  if (!absl::StartsWith(path_, kSystemTree)) return false;
  return path_.size() == kSystemTree.size() || path_[kSystemTree.size()] == '/';
}

bool operator<(const Key& a, const Key& b) {
  // A slash sorts before every other byte, so that a subtree is one run. No other byte of a key is below it in this order.
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<int>(static_cast<uint8_t>(c)); };
  return std::lexicographical_compare(a.path_.begin(), a.path_.end(), b.path_.begin(), b.path_.end(),
                                      [&rank](char x, char y) { return rank(x) < rank(y); });
}

bool KeyRange::Contains(const Key& other) const {
  switch (scope) {
    case Scope::kKey:
      return other == key;
    case Scope::kChildren:
      return !other.is_root() && other.Parent() == key;
    case Scope::kSubtree:
      return other.IsWithin(key);
  }
  return false;
}

bool KeyRange::Overlaps(const KeyRange& other) const {
  if (scope == Scope::kKey) return other.Contains(key);
  if (other.scope == Scope::kKey) return Contains(other.key);
  if (scope == Scope::kChildren && other.scope == Scope::kChildren) return key == other.key;
  if (scope == Scope::kChildren) return key.IsWithin(other.key) || (!other.key.is_root() && other.key.Parent() == key);
  if (other.scope == Scope::kChildren) return other.Overlaps(*this);
  return key.IsWithin(other.key) || other.key.IsWithin(key);
}

}  // namespace scoutlight

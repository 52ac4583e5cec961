#ifndef SCOUTLIGHT_BASE_KEY_H_
#define SCOUTLIGHT_BASE_KEY_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace scoutlight {

// The place of an entry in the hierarchy: `/a/b/c`, 1 to 32 segments, or the root `/`, which holds no value. Immutable; parsed once
// at the edge, so whoever has a Key has a valid one. Ordered depth-first: a node, then its subtree, then its next sibling; siblings
// by bytes. Thread-safe.
class Key {
 public:
  // The root.
  Key() : path_("/") {}

  // Reads an absolute path of at most limits::kKeyBytesMax bytes and limits::kKeySegmentsMax segments, valid UTF-8, without control
  // characters (U+0000..U+001F, U+007F..U+009F), no segment empty, `.` or `..`. A missing leading slash and one trailing slash are
  // normalized; length is that of the normalized path. `/` gives the root; empty text is an error.
  // kInvalidArgument with Reason::kInvalidKey and a violation of the field `field` that says what is wrong.
  static absl::StatusOr<Key> Parse(absl::string_view text, absl::string_view field = "key");

  // Takes a path that Parse produced before (from disk). kInvalidArgument when it is not in normal form.
  static absl::StatusOr<Key> FromNormal(absl::string_view path);

  // The normal form, `/a/b` or `/`.
  const std::string& path() const { return path_; }
  bool is_root() const { return path_.size() == 1; }

  // The last segment; empty for the root. Valid as long as this Key.
  absl::string_view name() const;

  // The node above; the root's parent is the root.
  Key Parent() const;

  // Whether this is `other` or lies below it.
  bool IsWithin(const Key& other) const;

  // Whether this is the root of the system tree, /.scoutlight, or lies below it.
  bool IsSystem() const;

  friend bool operator==(const Key& a, const Key& b) { return a.path_ == b.path_; }
  friend bool operator<(const Key& a, const Key& b);

  template <typename H>
  friend H AbslHashValue(H state, const Key& key) {
    return H::combine(std::move(state), key.path_);
  }

 private:
  explicit Key(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

// The tree that holds ScoutLight's own records: refused to users' writes, shown only to who names it.
inline constexpr absl::string_view kSystemTree = "/.scoutlight";

// How much of the hierarchy around a key is meant.
enum class Scope {
  kKey,       // The key alone.
  kChildren,  // The nodes directly below it.
  kSubtree,   // The key and everything below it.
};

// A key and a scope around it.
struct KeyRange {
  Key key;
  Scope scope = Scope::kKey;

  // Whether an entry at `key` belongs to this range. For kChildren only entries at the children themselves belong.
  bool Contains(const Key& other) const;

  // Whether some key can belong to both ranges.
  bool Overlaps(const KeyRange& other) const;

  friend bool operator==(const KeyRange&, const KeyRange&) = default;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_KEY_H_

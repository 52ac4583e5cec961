#ifndef SCOUTLIGHT_DISCOVERY_KEY_PATTERN_H_
#define SCOUTLIGHT_DISCOVERY_KEY_PATTERN_H_

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/key.h"
#include "base/limits.h"
#include "discovery/names.h"

namespace scoutlight::discovery {

// The segments of a key, as views into it.
class KeySegments {
 public:
  // `key` outlives this object.
  explicit KeySegments(const Key& key);

  int size() const { return size_; }
  absl::string_view operator[](int i) const { return segments_[i]; }

 private:
  std::array<absl::string_view, limits::kKeySegmentsMax> segments_;
  int size_ = 0;
};

// Whose key it is. Views into the key.
struct KeyReading {
  absl::string_view cluster;
  absl::string_view service;
  absl::string_view instance;
  std::optional<absl::string_view> property;  // nullopt: the instance's own key.
};

// Where the entries of instances lie: `/{cluster}/services/{service}/{instance}/{property}`. Grammar:
//
//   pattern     = 1*( "/" segment ) [ "/{property}" / "[/{property}]" ]
//   segment     = literal / "{cluster}" / "{service}" / "{instance}"
//   literal     = a segment of a key without "{", "}", "[", "]"
//
// Each of the three placeholders stands once, in any order; `[/{property}]` means with and without. A placeholder is a whole segment and
// a property is the last one, so a pattern reads a key in one way or not at all. Immutable; thread-safe.
class KeyPattern {
 public:
  // kInvalidArgument with what is wrong, in words that go on after a name: over limits::kKeyPatternBytesMax bytes or
  // limits::kKeySegmentsMax segments, not of the grammar, or within the system tree.
  static absl::StatusOr<KeyPattern> Parse(absl::string_view text);

  const std::string& text() const { return text_; }

  // Whether keys name a property, and whether there is also a key that names the instance alone.
  bool has_property() const { return property_ != Property::kNone; }
  bool has_own_key() const { return property_ != Property::kAlways; }

  // Whose key it is; nullopt: this pattern does not read it. Names that names.h refuses are not read. Views into the key.
  std::optional<KeyReading> Read(const KeySegments& key) const;

  // The instance's own key, or the node above its properties. `name` passes CheckInstance.
  Key InstanceKey(const InstanceName& name) const;

  // The key of a property; has_property() holds, `property` is a valid name.
  Key PropertyKey(const InstanceName& name, absl::string_view property) const;

  // A range that holds all keys of the service, as narrow as a subtree can be.
  KeyRange ServiceRange(const ServiceName& name) const;

  // The depths of the keys it reads: segments without property.
  int depth() const { return static_cast<int>(segments_.size()); }
  // The literal at place `i`, whether a segment or the property; empty: any name. For whoever looks for the keys from the root down.
  absl::string_view LiteralAt(int i) const;

  // An example of a key that `a` and `b` read as of two different services, so that both could be bound to it; nullopt: there is none.
  // Where both see the same service in each key, the binding decides. Of a pattern with itself there is none.
  static std::optional<std::string> FindAmbiguity(const KeyPattern& a, const KeyPattern& b);

  friend bool operator==(const KeyPattern& a, const KeyPattern& b) { return a.text_ == b.text_; }

 private:
  enum class Property { kNone, kOptional, kAlways };

  KeyPattern() = default;

  absl::Status ReadSegments(absl::string_view text);
  bool HasDepth(int depth) const;

  std::string text_;
  std::vector<std::string> segments_;  // Without the property; empty: a placeholder.
  int cluster_ = -1;                   // Its place in `segments_`.
  int service_ = -1;
  int instance_ = -1;
  Property property_ = Property::kNone;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_KEY_PATTERN_H_

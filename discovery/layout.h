#ifndef SCOUTLIGHT_DISCOVERY_LAYOUT_H_
#define SCOUTLIGHT_DISCOVERY_LAYOUT_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/entry.h"
#include "base/key.h"
#include "base/limits.h"
#include "discovery/instance.h"
#include "discovery/key_pattern.h"
#include "discovery/property_definition.h"
#include "discovery/serializer.h"

namespace scoutlight::discovery {

// An entry to write.
struct KeyValue {
  Key key;
  Value value;

  friend bool operator==(const KeyValue&, const KeyValue&) = default;
};

// How instances lie in the store: a pattern of keys and a serializer. Immutable, a cheap copy; thread-safe.
class Layout {
 public:
  // kInvalidArgument with the fields `pattern` and `serializer`, all that is wrong: see KeyPattern::Parse; an unknown serializer; one that
  // needs {property} and a pattern without it, or the other way round.
  static absl::StatusOr<Layout> Create(absl::string_view pattern, absl::string_view serializer);

  const KeyPattern& pattern() const { return pattern_; }
  const Serializer& serializer() const { return *serializer_; }

  // The entries of an instance, all of them, in order of their keys; none for one without properties that the pattern gives no own key.
  // `name` and `properties` pass CheckInstance.
  std::vector<KeyValue> Encode(const InstanceName& name, const Properties& properties) const;

  // A longer value of an entry is wrong, whatever is in it: so much of it and one byte more is as good as all of it.
  size_t value_bytes_max() const { return serializer_->key_per_property() ? limits::kPropertyValueBytesMax : limits::kValueBytesMax; }

  // The properties in `pieces`, which `pattern` has read as of one instance. What does not decode, and what CheckInstance would refuse,
  // becomes a problem, of at most limits::kProblemsPerInstanceMax, and is left out; nothing else is hidden by it. Of more properties than
  // an instance may have those stay that `rules` define, then those that come first by name.
  DecodedProperties Decode(absl::Span<const Piece> pieces, const PropertyRules& rules = {}) const;

  friend bool operator==(const Layout& a, const Layout& b) { return a.pattern_ == b.pattern_ && a.serializer_ == b.serializer_; }

 private:
  Layout(KeyPattern pattern, const Serializer* serializer) : pattern_(std::move(pattern)), serializer_(serializer) {}

  KeyPattern pattern_;
  const Serializer* serializer_;  // One of AllSerializers().
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_LAYOUT_H_

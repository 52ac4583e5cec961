#ifndef SCOUTLIGHT_DISCOVERY_SERIALIZER_H_
#define SCOUTLIGHT_DISCOVERY_SERIALIZER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/entry.h"
#include "discovery/instance.h"

namespace scoutlight::discovery {

// One entry of an instance, without the part of its key that names the instance.
struct Piece {
  std::optional<std::string> property;  // nullopt: the instance's own key.
  Value value;

  friend bool operator==(const Piece&, const Piece&) = default;
};

// An instance as read. What did not decode is a problem and hides nothing else.
struct DecodedProperties {
  Properties properties;
  std::vector<Problem> problems;
  bool unreadable = false;  // The value that holds all properties cannot be read at all.

  friend bool operator==(const DecodedProperties&, const DecodedProperties&) = default;
};

// How properties become values of entries. Decode(Encode(p)) gives p without problems, for all properties that pass CheckInstance, and
// equal properties give equal pieces. Implementations are stateless and thread-safe; to add one, derive from this and name it in
// serializers.cc.
class Serializer {
 public:
  virtual ~Serializer() = default;

  // As schemas name it: `json`.
  virtual absl::string_view name() const = 0;

  // Whether each property has a key of its own, so that the pattern needs {property}; else all are in the instance's own key.
  virtual bool key_per_property() const = 0;

  // `properties` pass CheckInstance.
  virtual std::vector<Piece> Encode(const Properties& properties) const = 0;

  // Reads what anyone may have written. `pieces` are of the keys that key_per_property says, in any order, a property at most once.
  // Neither names nor values of what it gives are checked yet: see Layout::Decode.
  virtual DecodedProperties Decode(absl::Span<const Piece> pieces) const = 0;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_SERIALIZER_H_

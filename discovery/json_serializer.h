#ifndef SCOUTLIGHT_DISCOVERY_JSON_SERIALIZER_H_
#define SCOUTLIGHT_DISCOVERY_JSON_SERIALIZER_H_

#include <vector>

#include "discovery/serializer.h"

namespace scoutlight::discovery {

// `json`: one JSON object in the instance's own key, members by name, each a string: `{"hostname":"h","port":"8001"}`. Read are also
// numbers and booleans, as they are written; null, objects, arrays and repeated members are problems of that property, what is no JSON
// object is a problem of the instance.
class JsonSerializer : public Serializer {
 public:
  absl::string_view name() const override { return "json"; }
  bool key_per_property() const override { return false; }
  std::vector<Piece> Encode(const Properties& properties) const override;
  DecodedProperties Decode(absl::Span<const Piece> pieces) const override;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_JSON_SERIALIZER_H_

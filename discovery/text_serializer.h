#ifndef SCOUTLIGHT_DISCOVERY_TEXT_SERIALIZER_H_
#define SCOUTLIGHT_DISCOVERY_TEXT_SERIALIZER_H_

#include <vector>

#include "discovery/serializer.h"

namespace scoutlight::discovery {

// `text`: one key a property, which holds its value as text. Data of a stranger that is UTF-8 is read as text too. The instance's own key
// may be there and says only that; a value in it is a problem.
class TextSerializer : public Serializer {
 public:
  absl::string_view name() const override { return "text"; }
  bool key_per_property() const override { return true; }
  std::vector<Piece> Encode(const Properties& properties) const override;
  DecodedProperties Decode(absl::Span<const Piece> pieces) const override;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_TEXT_SERIALIZER_H_

#include "discovery/text_serializer.h"

namespace scoutlight::discovery {

std::vector<Piece> TextSerializer::Encode(const Properties& properties) const {
  std::vector<Piece> pieces;
  pieces.reserve(properties.size());
  for (const auto& [name, value] : properties) pieces.push_back({name, {Value::Form::kText, value}});
  return pieces;
}

DecodedProperties TextSerializer::Decode(absl::Span<const Piece> pieces) const {
  DecodedProperties decoded;
  for (const Piece& piece : pieces) {
    if (piece.property.has_value()) {
      decoded.properties.insert_or_assign(*piece.property, piece.value.bytes);
    } else if (!piece.value.bytes.empty()) {
      decoded.problems.push_back({"", "has a value in its own key, which names no property"});
    }
  }
  return decoded;
}

}  // namespace scoutlight::discovery

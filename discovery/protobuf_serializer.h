#ifndef SCOUTLIGHT_DISCOVERY_PROTOBUF_SERIALIZER_H_
#define SCOUTLIGHT_DISCOVERY_PROTOBUF_SERIALIZER_H_

#include <vector>

#include "discovery/serializer.h"

namespace scoutlight::discovery {

// `protobuf`: one serialized google.protobuf.Struct in the instance's own key, as data, fields by name, each a string_value. Every
// language's protobuf library reads it without a schema. Read are also numbers and booleans; null, structs and lists are problems of
// that property, what is no Struct is a problem of the instance; of more than limits::kProblemsPerInstanceMax the first by name are told.
class ProtobufSerializer : public Serializer {
 public:
  absl::string_view name() const override { return "protobuf"; }
  bool key_per_property() const override { return false; }
  std::vector<Piece> Encode(const Properties& properties) const override;
  DecodedProperties Decode(absl::Span<const Piece> pieces) const override;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_PROTOBUF_SERIALIZER_H_

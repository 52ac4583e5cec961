#include "discovery/serializers.h"

#include "discovery/json_serializer.h"
#include "discovery/protobuf_serializer.h"
#include "discovery/text_serializer.h"

namespace scoutlight::discovery {

const std::vector<const Serializer*>& AllSerializers() {
  // Never destroyed, so that schemas may outlive static objects.
  static const auto* const all = new std::vector<const Serializer*>{new TextSerializer, new JsonSerializer, new ProtobufSerializer};
  return *all;
}

const Serializer* FindSerializer(absl::string_view name) {
  for (const Serializer* serializer : AllSerializers()) {
    if (serializer->name() == name) return serializer;
  }
  return nullptr;
}

}  // namespace scoutlight::discovery

#ifndef SCOUTLIGHT_DISCOVERY_SERIALIZERS_H_
#define SCOUTLIGHT_DISCOVERY_SERIALIZERS_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "discovery/serializer.h"

namespace scoutlight::discovery {

// Those that schemas can name: text, json, protobuf. They live as long as the process. Thread-safe.
const std::vector<const Serializer*>& AllSerializers();

// The serializer of that name; nullptr: there is none.
const Serializer* FindSerializer(absl::string_view name);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_SERIALIZERS_H_

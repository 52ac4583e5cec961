#ifndef SCOUTLIGHT_DISCOVERY_SCHEMA_DOCUMENT_H_
#define SCOUTLIGHT_DISCOVERY_SCHEMA_DOCUMENT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "discovery/schema.h"

namespace scoutlight::discovery {

// A schema as people write it and as it is stored:
//
//   {"name": "printers", "version": 2,
//    "pattern": "/{cluster}/services/{service}/{instance}/{property}",
//    "serializer": "text",
//    "properties": {"port": {"type": "port", "required": true, "min": 1024},
//                   "protocol": {"type": "enum", "values": ["http", "https"], "default": "http"},
//                   "asset": {"pattern": "[0-9]{6}"}},
//    "extra_properties": false,
//    "strategy": "least_used",
//    "slow_start": "30s"}
//
// `name` and `pattern` must be there. Defaults: version 1, serializer `text`, no properties, extra properties allowed, no strategy, no slow
// start; of a property: type `string`, not required, nothing else. `default`, `min` and `max` are strings, numbers or booleans.
//
// At most limits::kSchemaDocumentBytesMax bytes. kInvalidArgument with every mistake at once, at most limits::kSchemaMistakesMax, each with
// its path as the violated field (`properties.port.min`; of too many properties `properties` alone): wrong types, members that are not
// known or there twice, and what Layout::Create and CheckSchema find. What is no JSON at all is told with the field `document`.
// Thread-safe.
absl::StatusOr<Schema> ParseSchemaDocument(absl::string_view text);

// The document of `schema`: ParseSchemaDocument of it gives an equal one, and equal schemas give equal documents. Thread-safe.
std::string SchemaDocument(const Schema& schema);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_SCHEMA_DOCUMENT_H_

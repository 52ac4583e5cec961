#ifndef SCOUTLIGHT_DISCOVERY_SHIPPED_SCHEMAS_H_
#define SCOUTLIGHT_DISCOVERY_SHIPPED_SCHEMAS_H_

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "discovery/schema.h"

namespace scoutlight::discovery {

// The schemas that are there from the start, and the name of the one that services have when nothing else is bound.
//   printers  /{cluster}/services/{service}/{instance}/{property}   text
//   service   /{cluster}/service/{service}/{instance}[/{property}]  text
//   members   /{cluster}/services/{service}/members/{instance}      json
// All define the well-known properties, require none and allow others. They live as long as the process. Thread-safe.
inline constexpr absl::string_view kDefaultSchema = "printers";
const std::vector<std::shared_ptr<const Schema>>& ShippedSchemas();

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_SHIPPED_SCHEMAS_H_

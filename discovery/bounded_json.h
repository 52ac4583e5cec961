#ifndef SCOUTLIGHT_DISCOVERY_BOUNDED_JSON_H_
#define SCOUTLIGHT_DISCOVERY_BOUNDED_JSON_H_

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace scoutlight::discovery {

struct JsonBounds {
  size_t bytes_max = 0;
  int depth_max = 0;  // Of objects and arrays within each other; a scalar has 0.
};

// Reads one JSON text (RFC 8259), with nothing but blanks around it.
// kInvalidArgument with the violated field `field` that says what is wrong: over a bound, at which byte it is no JSON; or, for each
// object member that is there twice, with its path behind `field` (`document.properties.port`). Thread-safe.
absl::StatusOr<nlohmann::json> ParseBoundedJson(absl::string_view text, const JsonBounds& bounds, absl::string_view field);

// `path.name`; a name that is empty or has other characters than letters, digits, `_`, `-`: `path["name"]`. Of an empty path: the name.
std::string JsonMemberPath(absl::string_view path, absl::string_view name);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_BOUNDED_JSON_H_

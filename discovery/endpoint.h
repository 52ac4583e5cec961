#ifndef SCOUTLIGHT_DISCOVERY_ENDPOINT_H_
#define SCOUTLIGHT_DISCOVERY_ENDPOINT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "discovery/instance.h"
#include "discovery/url.h"

namespace scoutlight::discovery {

// Where and how an instance is reached. Names are within one instance.
struct Endpoint {
  std::string name;  // Empty: the unnamed one.
  Url url;           // The unnamed one's scheme may be empty (no property `protocol`), then no URL is told of it.

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// The properties that make endpoints.
inline constexpr absl::string_view kHostnameProperty = "hostname";  // A host (url.h).
inline constexpr absl::string_view kPortProperty = "port";          // 1..65535.
inline constexpr absl::string_view kProtocolProperty = "protocol";  // A URL's scheme: `https`.
inline constexpr absl::string_view kEndpointPrefix = "endpoint.";   // `endpoint.<name>`: a URL.

struct Endpoints {
  std::vector<Endpoint> endpoints;  // The unnamed one first, then by name.
  std::vector<Problem> problems;    // One for each property that makes none; it hides none of the others.
};

// Reads the endpoints of an instance: the unnamed one from `hostname`, `port` (may be missing) and `protocol` (may be missing), and one
// from each `endpoint.<name>`. A `port` or `protocol` without `hostname` makes no endpoint and is no problem. Thread-safe.
Endpoints ReadEndpoints(const Properties& properties);

// The endpoint that `selector` means: the one of that name, else the first of that scheme; an empty selector means the first of all.
// nullptr: none. Valid as long as `endpoints`. Thread-safe.
const Endpoint* PickEndpoint(const std::vector<Endpoint>& endpoints, absl::string_view selector);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_ENDPOINT_H_

#ifndef SCOUTLIGHT_CLIENT_HTTP_SERVICE_URL_H_
#define SCOUTLIGHT_CLIENT_HTTP_SERVICE_URL_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "discovery/endpoint.h"
#include "discovery/instance.h"

namespace scoutlight::client {

inline constexpr absl::string_view kServiceScheme = "svc";

struct ServiceTarget {
  std::string service;
  std::string target;
};

// Reads `svc://Service[/path][?query][#fragment]`: the service with its escapes resolved, the target as it is, without the fragment,
// beginning with `/`. Neither is checked further. kInvalidArgument with what is wrong, in words that go on after the field's name.
// Thread-safe, as the others.
absl::StatusOr<ServiceTarget> ReadServiceUrl(absl::string_view url);

// What is wrong with the target of a request, in words that go on after the field's name; empty: nothing.
std::string TargetFault(absl::string_view target);

// Where to send a request: the first endpoint of `properties` that is http or https, or has no scheme; nullopt: none.
std::optional<discovery::Endpoint> FirstHttpEndpoint(const discovery::Properties& properties);
bool IsHttp(const discovery::Endpoint& endpoint);

// The URL of `target` at an endpoint that IsHttp: the endpoint's path, without query and fragment, and then the target.
std::string UrlAt(const discovery::Url& endpoint, absl::string_view target);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_SERVICE_URL_H_

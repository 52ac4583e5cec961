#include "discovery/endpoint.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/shown.h"

namespace scoutlight::discovery {
namespace {

void ReadUnnamed(const Properties& properties, Endpoints* out) {
  const std::string* hostname = FindProperty(properties, kHostnameProperty);
  if (hostname == nullptr) return;
  Endpoint endpoint;
  const size_t problems = out->problems.size();
  if (IsHost(*hostname)) {
    endpoint.url.host = absl::StartsWith(*hostname, "[") ? hostname->substr(1, hostname->size() - 2) : *hostname;
  } else {
    out->problems.push_back({std::string(kHostnameProperty), absl::StrCat("is ", Shown(*hostname), ", which is no host")});
  }
  if (const std::string* port = FindProperty(properties, kPortProperty); port != nullptr) {
    endpoint.url.port = ParsePort(*port);
    if (endpoint.url.port == 0) {
      out->problems.push_back({std::string(kPortProperty), absl::StrCat("is ", Shown(*port), ", a port is 1 to ", kPortMax)});
    }
  }
  if (const std::string* protocol = FindProperty(properties, kProtocolProperty); protocol != nullptr) {
    endpoint.url.scheme = absl::AsciiStrToLower(*protocol);
  }
  if (out->problems.size() == problems) out->endpoints.push_back(std::move(endpoint));
}

}  // namespace

Endpoints ReadEndpoints(const Properties& properties) {
  Endpoints out;
  ReadUnnamed(properties, &out);
  for (auto it = properties.lower_bound(kEndpointPrefix); it != properties.end() && absl::StartsWith(it->first, kEndpointPrefix); ++it) {
    absl::StatusOr<Url> url = ParseUrl(it->second);
    std::string name = it->first.substr(kEndpointPrefix.size());
    if (name.empty()) {
      out.problems.push_back({it->first, "does not name its endpoint"});
    } else if (url.ok()) {
      out.endpoints.push_back({std::move(name), *std::move(url)});
    } else {
      out.problems.push_back({it->first, std::string(url.status().message())});
    }
  }
  return out;
}

const Endpoint* PickEndpoint(const std::vector<Endpoint>& endpoints, absl::string_view selector) {
  if (selector.empty()) return endpoints.empty() ? nullptr : &endpoints.front();
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.name == selector) return &endpoint;
  }
  for (const Endpoint& endpoint : endpoints) {
    if (absl::EqualsIgnoreCase(endpoint.url.scheme, selector)) return &endpoint;
  }
  return nullptr;
}

}  // namespace scoutlight::discovery

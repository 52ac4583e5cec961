#include "client/gates/gate_endpoints.h"

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "discovery/endpoint.h"
#include "discovery/url.h"

namespace scoutlight::client {
namespace {

constexpr absl::string_view kPrefix = "gate.";

// nullopt: the instance has none, or, if `queue` is empty, several.
std::optional<GateEndpoint> EndpointOf(const discovery::Instance& instance, absl::string_view queue) {
  std::optional<GateEndpoint> found;
  for (const discovery::Endpoint& endpoint : discovery::ReadEndpoints(instance.properties).endpoints) {
    if (queue.empty() ? !absl::StartsWith(endpoint.name, kPrefix) : endpoint.name != GateEndpointName(queue)) continue;
    if (found.has_value()) return std::nullopt;
    found = GateEndpoint{.url = discovery::UrlText(endpoint.url), .instance = instance.name.id, .epoch = instance.epoch};
  }
  return found;
}

}  // namespace

std::string GateEndpointName(absl::string_view queue) { return absl::StrCat(kPrefix, queue); }

std::vector<GateEndpoint> GateEndpointsOf(const discovery::ServiceSnapshot& snapshot, absl::string_view queue) {
  std::vector<GateEndpoint> at_work;
  std::vector<GateEndpoint> lost;
  snapshot.ForEachAfter("", [&](const discovery::InstancePtr& instance) {
    if (!instance->resolvable() && !instance->IsFitButLost()) return true;
    std::optional<GateEndpoint> endpoint = EndpointOf(*instance, queue);
    if (endpoint.has_value()) (instance->resolvable() ? at_work : lost).push_back(*std::move(endpoint));
    return true;
  });
  return at_work.empty() ? lost : at_work;
}

}  // namespace scoutlight::client

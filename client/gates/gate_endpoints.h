#ifndef SCOUTLIGHT_CLIENT_GATES_GATE_ENDPOINTS_H_
#define SCOUTLIGHT_CLIENT_GATES_GATE_ENDPOINTS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/gate_endpoint.h"
#include "discovery/service_snapshot.h"

namespace scoutlight::client {

// The name of the endpoint by which an instance says where its gate `queue` is.
std::string GateEndpointName(absl::string_view queue);

// The endpoints of `queue` at a service, as EndpointResolver says; by id of their instances. Thread-safe.
std::vector<GateEndpoint> GateEndpointsOf(const discovery::ServiceSnapshot& snapshot, absl::string_view queue);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_GATE_ENDPOINTS_H_

#ifndef SCOUTLIGHT_CLIENT_GATE_REPORT_H_
#define SCOUTLIGHT_CLIENT_GATE_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/gate_counters.h"
#include "client/gate_endpoint.h"

namespace scoutlight {

// How it stands with an endpoint that a gate dials.
struct GateEndpointReport {
  GateEndpoint endpoint;
  bool connected = false;
  // Why it is not, as far as that is known: "refused (3)", "of another protocol (2)", "not answered in time (1)". For people.
  std::string problem;
};

// A gate as it is.
struct GateReport {
  std::vector<GateEndpointReport> endpoints;  // That it dials, by URL.
  std::vector<std::string> bound;             // Where others reach it, by address.
  GateCounters counters;
  // What keeps it from being linked: its topology has no such queue any more, an address is taken, the registry refuses. OK: nothing.
  absl::Status problem;
};

// What was left when a gate closed.
struct GateCloseReport {
  int64_t unsent = 0;  // Messages that were pushed and are lost: not sent; acked: not confirmed, though some may have arrived.
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_GATE_REPORT_H_

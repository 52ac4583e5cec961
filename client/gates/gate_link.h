#ifndef SCOUTLIGHT_CLIENT_GATES_GATE_LINK_H_
#define SCOUTLIGHT_CLIENT_GATES_GATE_LINK_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/gate_options.h"
#include "discovery/url.h"
#include "topology/topology.h"

namespace scoutlight::client {

// What one gate is linked with.
struct GateLink {
  LinkType type = LinkType::kPush;
  Delivery delivery = Delivery::kPlain;
  // One of these.
  std::string service;  // Whose instances are dialled, with `to_queue`.
  std::string to_queue;
  std::vector<std::string> endpoints;  // What is dialled.
  std::vector<std::string> addresses;  // What is bound, tcp with a port.
  std::string advertise;
  bool port_is_fixed = false;

  friend bool operator==(const GateLink&, const GateLink&) = default;
};

// The link of `queue` at `service` that is of `kind`; see Machine::OutGate.
absl::StatusOr<GateLink> FindLink(const topology::Topology& topology, absl::string_view service, absl::string_view queue, GateKind kind);

// The link that valid options say by themselves. kInvalidArgument: what is missing, or too much.
absl::StatusOr<GateLink> LinkOf(const GateOptions& options, GateKind kind);
// Whether they say one.
bool SaysLink(const GateOptions& options);

// The URL that others are to dial, of a gate that is bound at `bound`: with the host `advertise` if that is not empty, else with `reached`
// in place of one that stands for all addresses. Empty: there is none.
std::string AdvertisedUrl(const std::string& bound, const std::string& advertise, const std::string& reached);

// The address of this machine that `target` is reached from; empty: it is not known. Looks the name up, which takes as long as the system's
// resolver likes, and sends nothing else.
std::string FindAddressTowards(const discovery::Url& target);
// The same of `host:port`, waited for up to `timeout`; empty: it is not known by then. What takes longer goes on by itself, on a thread of
// its own. `find` is what a test replaces.
std::string AddressTowards(const std::string& host_and_port, absl::Duration timeout,
                           std::function<std::string(const discovery::Url&)> find = &FindAddressTowards);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_GATE_LINK_H_

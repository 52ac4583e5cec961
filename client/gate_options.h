#ifndef SCOUTLIGHT_CLIENT_GATE_OPTIONS_H_
#define SCOUTLIGHT_CLIENT_GATE_OPTIONS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "topology/link_type.h"
#include "topology/topology.h"

namespace scoutlight {

using topology::Delivery;
using topology::LinkType;

// A gate. With `queue` alone the machine's topology says the rest; otherwise one of `service`, `endpoints` and `addresses` does, and
// `type`.
struct GateOptions {
  // Its name. With `service`, which queue of that service is dialled: `endpoint.gate.<queue>` of its instances; empty: the only one that an
  // instance has.
  std::string queue = {};
  std::string service = {};  // Dials the instances of this one.
  // nullopt: PUSH of an out gate, PULL of an in gate.
  std::optional<LinkType> type = std::nullopt;
  Delivery delivery = Delivery::kPlain;  // kAcked: of PUSH and PULL alone, at both ends.

  std::vector<std::string> endpoints = {};  // Dials these URLs: tcp://host:port, ipc:///path, inproc://name.
  std::vector<std::string> addresses = {};  // Binds these, port 0 for a free one. At most topology::kAddressesOfLinkMax.
  bool port_is_fixed = false;               // As topology::InLink.
  std::string advertise = {};               // As topology::InLink.

  // Messages that wait in the gate, each 1 to 1,000,000 and 1 B to 16 GiB. Those that PUB and SUB keep in their sockets are besides.
  size_t messages_max = 1'024;
  size_t bytes_max = 64 << 20;
  // Of one message: 1 B to 256 MiB. A receiver's bound ends the connection over which more comes.
  size_t message_bytes_max = 1 << 20;
  // Acked, REQ and REP: messages that were sent, or received, and are not answered: 1 to 10,000.
  int unconfirmed_max = 256;
  // Acked and REQ: how long an answer is waited for before the message is sent again: 10 ms to 1 h.
  absl::Duration confirm_timeout = absl::Seconds(30);
  // PUB and SUB: messages that the socket itself keeps for a slow peer, then some are lost: 1 to 8,192.
  int backlog_max = 128;
  // SUB: receives what begins with one of these; at most 1,000 of at most 1 KiB. Empty topics: everything.
  std::vector<std::string> topics = {std::string()};
  // How long an endpoint that is given up has to take what is on its way to it: 0 s to 1 min.
  absl::Duration linger = absl::Seconds(2);
};

// kInvalidArgument: every violated field of `options`. Whether they are complete is not looked at: see Machine.
absl::Status CheckOptions(const GateOptions& options);

// Whether the program sends through a gate of this type, and whether it receives.
enum class GateKind { kOut, kIn, kInOut };
GateKind KindOf(LinkType type);

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_GATE_OPTIONS_H_

#ifndef SCOUTLIGHT_CLIENT_MACHINE_H_
#define SCOUTLIGHT_CLIENT_MACHINE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/endpoint_resolver.h"
#include "client/gate.h"
#include "client/gate_options.h"
#include "client/gates/socket.h"
#include "client/gates/topology_source.h"
#include "client/governor.h"
#include "client/registration.h"
#include "client/session.h"

namespace scoutlight {

namespace client {
class MachineCore;
}  // namespace client

// The parts that a machine's gates are made of; each can be another one.
struct MachineOptions {
  // Whose links its gates are, in the topology. Empty: gates say by themselves what they are linked with.
  std::string service = {};
  std::shared_ptr<TopologySource> topology = nullptr;    // Null: none.
  std::shared_ptr<EndpointResolver> resolver = nullptr;  // Null: gates dial their own `endpoints` alone.
  GovernorMaker governor = FollowGovernor();
  client::SocketMaker socket = nullptr;  // Null: nng's.

  // With what the machine's instance is registered, besides the gates that bind, which become its properties `endpoint.gate.<queue>`.
  // `registration.service` may be empty: `service`. Outlives the machine and its gates; null: gates that bind are known to nobody.
  Session* session = nullptr;
  Registration registration = {};
  // "host:port" of the registry: gates that bind all addresses of this machine tell others to dial the one by which that is reached.
  // Open() looks its name up for 5 s at most. Empty, or not found by then: such a gate needs `advertise`; others tell the host that they
  // bind.
  std::string registry = {};
  // Soft values of the instance besides the gates' counters; called every second on the machine's thread. May be null.
  std::function<discovery::SoftValues()> soft_values = nullptr;

  // How long Open() waits for the first topology: 0 s to 10 min.
  absl::Duration topology_timeout = absl::Seconds(5);
  // Told, on the machine's thread, what goes wrong without an answer to say it in: a topology that cannot be read, a gate whose link is
  // gone, an address that is taken. May be null.
  std::function<void(const absl::Status&)> on_problem = nullptr;
};

// Makes gates, and keeps them linked as the topology says: out gates follow it, and the instances that stand behind it; gates that bind
// bind anew when their addresses change. One thread for all its gates, beside nng's.
//
//   auto machine = scoutlight::Machine::Open({.service = "feeder", .topology = *scoutlight::LiteralTopology(document),
//                                             .resolver = scoutlight::DiscoveryResolver(*locator)});
//   auto out = machine->OutGate("plaintext");
//   absl::Status pushed = out->Push("hello");
//
// Thread-safe, but for moving and destroying. Gates may outlive it, and go on.
class Machine {
 public:
  // kInvalidArgument: every violated field. kDeadlineExceeded: the topology was not known in time, and why, if its source says. Errors of
  // the topology's source. kNotFound with SERVICE_NOT_FOUND: the topology knows no such service; those that it knows are told.
  static absl::StatusOr<Machine> Open(MachineOptions options);

  Machine(Machine&&) noexcept;
  Machine& operator=(Machine&&) noexcept;
  ~Machine();

  // The gate of a queue of the machine's service, or one that says by itself what it is linked with. Does not wait for anybody to be there.
  // A link's type decides which of the three it is; if a queue is there on both sides, OutGate and InOutGate are the one that dials, InGate
  // the one that binds. kInvalidArgument: every violated field. kNotFound: the topology has no such queue for this kind of gate; those that
  // it has are told. kAlreadyExists: an address is taken. kUnavailable: it cannot be bound.
  absl::StatusOr<scoutlight::OutGate> OutGate(absl::string_view queue);
  absl::StatusOr<scoutlight::OutGate> OutGate(GateOptions options);
  absl::StatusOr<scoutlight::InGate> InGate(absl::string_view queue);
  absl::StatusOr<scoutlight::InGate> InGate(GateOptions options);
  absl::StatusOr<scoutlight::InOutGate> InOutGate(absl::string_view queue);
  absl::StatusOr<scoutlight::InOutGate> InOutGate(GateOptions options);

 private:
  explicit Machine(std::shared_ptr<client::MachineCore> core) : core_(std::move(core)) {}

  std::shared_ptr<client::MachineCore> core_;  // Null: moved from; then nothing may be called.
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_MACHINE_H_

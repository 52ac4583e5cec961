#ifndef SCOUTLIGHT_CLIENT_GATES_MACHINE_CORE_H_
#define SCOUTLIGHT_CLIENT_GATES_MACHINE_CORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/events/thread_loop.h"
#include "client/gates/gate_core.h"
#include "client/gates/gate_link.h"
#include "client/gates/instance_record.h"
#include "client/machine.h"

namespace scoutlight::client {

// A machine's gates and what they are linked with. Everything happens on its loop, but Open(). Held by the Machine and by each of its
// gates.
class MachineCore : public std::enable_shared_from_this<MachineCore> {
 public:
  // How often counters are published, and what could not be bound is tried again.
  static constexpr absl::Duration kTick = absl::Seconds(1);
  // How long Open() looks for the address by which the registry is reached.
  static constexpr absl::Duration kLookUpMax = absl::Seconds(5);

  // `options` are valid, with a socket.
  explicit MachineCore(MachineOptions options);
  ~MachineCore();

  // Once: waits for the first topology.
  absl::Status Open();
  // See Machine. Waits for the loop.
  absl::StatusOr<std::shared_ptr<GateCore>> MakeGate(GateOptions options, GateKind kind);

 private:
  struct Linked {
    std::shared_ptr<GateCore> gate;  // Until it closes.
    GateKind kind = GateKind::kOut;
    bool follows = false;  // The topology.
    GateLink link;
    bool is_linked = false;
    std::unique_ptr<EndpointWatch> watch;
  };

  void OnTopology(absl::StatusOr<TopologyPtr> topology);
  // What the topology says of one gate by now.
  void Follow(Linked* linked);
  // Links it with `link`, in place of what it was linked with.
  absl::Status Link(Linked* linked, const GateLink& link);
  absl::Status Bind(Linked* linked, const GateLink& link);
  // It is linked with nobody, for a reason that its Look() tells.
  void Unlink(Linked* linked, absl::Status problem);
  // It is being closed.
  void Forget(const GateCore* gate);
  void Tick();
  void SetTick();
  void Tell(const absl::Status& problem);

  const MachineOptions options_;
  const std::shared_ptr<ThreadLoop> loop_ = std::make_shared<ThreadLoop>();
  const uint64_t random_;  // From which the senders of acked messages are drawn.
  uint64_t gates_made_ = 0;
  std::string reached_;  // The address of this machine that the registry is reached from.
  TopologyPtr topology_;
  std::vector<std::unique_ptr<Linked>> linked_;
  InstanceRecord record_;
  std::unique_ptr<TopologySourceWatch> watch_;  // Of who opened it; gone before the rest.

  // What Open() waits for.
  Mutex mu_;
  CondVar changed_;
  bool known_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status problem_ ABSL_GUARDED_BY(mu_);  // Why there is no newer topology.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_MACHINE_CORE_H_

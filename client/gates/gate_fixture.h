#ifndef SCOUTLIGHT_CLIENT_GATES_GATE_FIXTURE_H_
#define SCOUTLIGHT_CLIENT_GATES_GATE_FIXTURE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "client/events/thread_loop.h"
#include "client/gate.h"
#include "client/gates/gate_core.h"
#include "client/gates/nng_socket.h"
#include "client/governor.h"

namespace scoutlight::client {

inline constexpr absl::Duration kLong = absl::Seconds(60);

// Asks `is_so` again and again, for want of anything to wait for, until it is or kLong is over; answers what it was asked last.
inline bool Await(const std::function<bool()>& is_so) {
  const absl::Duration end = Clock::System().SinceBoot() + kLong;
  Mutex mu;
  CondVar never;
  while (!is_so()) {
    if (Clock::System().SinceBoot() > end) return false;
    MutexLock lock(&mu);
    never.WaitFor(&mu, absl::Milliseconds(2));
  }
  return true;
}

// Gates over nng's sockets without a machine: what they dial and bind is said by hand.
class GateFactory {
 public:
  template <typename G>
  G Make(GateOptions options, SocketMaker make_socket = nullptr) {
    if (make_socket == nullptr) make_socket = nng_sockets_;
    auto core = std::make_shared<GateCore>(
        std::move(options),
        GateCore::Parts{.loop = loop_, .make_socket = std::move(make_socket), .make_governor = governor_, .sender = ++made_});
    newest_ = core;
    return G(std::move(core));
  }
  // A gate bound at a free port of 127.0.0.1, and its URL.
  template <typename G>
  std::pair<G, std::string> Bound(GateOptions options) {
    G gate = Make<G>(std::move(options));
    const std::shared_ptr<GateCore> core = newest();
    const absl::Status bound = core->Bind({"tcp://127.0.0.1:0"}, IfTaken::kFail);
    if (!bound.ok()) std::abort();
    return {std::move(gate), core->urls().front()};
  }
  // A gate that dials these.
  template <typename G>
  G Dialling(GateOptions options, const std::vector<std::string>& urls) {
    G gate = Make<G>(std::move(options));
    SetWanted(newest().get(), urls);
    return gate;
  }
  static void SetWanted(GateCore* core, const std::vector<std::string>& urls) {
    std::vector<GateEndpoint> wanted;
    for (const std::string& url : urls) wanted.push_back({.url = url});
    core->SetWanted(std::move(wanted));
  }

  // The core of the gate that was made last.
  const std::shared_ptr<GateCore>& newest() const { return newest_; }
  void SetGovernor(GovernorMaker governor) { governor_ = std::move(governor); }
  const std::shared_ptr<ThreadLoop>& loop() const { return loop_; }

 private:
  const SocketMaker nng_sockets_ = NngSockets();
  const std::shared_ptr<ThreadLoop> loop_ = std::make_shared<ThreadLoop>();
  GovernorMaker governor_ = FollowGovernor();
  std::shared_ptr<GateCore> newest_;
  uint64_t made_ = 0;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_GATE_FIXTURE_H_

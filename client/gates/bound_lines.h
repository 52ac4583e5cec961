#ifndef SCOUTLIGHT_CLIENT_GATES_BOUND_LINES_H_
#define SCOUTLIGHT_CLIENT_GATES_BOUND_LINES_H_

#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/events/event_loop.h"
#include "client/gates/gate_traffic.h"
#include "client/gates/leaving_lines.h"

namespace scoutlight::client {

// What to do when a port is taken.
enum class IfTaken { kFail, kTakeAnother };

// The addresses that a gate binds. Used and destroyed on the loop alone.
class BoundLines {
 public:
  // Both outlive it.
  BoundLines(GateTraffic* traffic, LeavingLines* leaving, absl::Duration linger)
      : traffic_(*traffic), leaving_(*leaving), linger_(linger) {}
  ~BoundLines() {
    for (const auto& [address, bound] : lines_) bound.line->socket().Close();
  }

  // Binds those of `addresses` that are not bound, which are URLs, tcp ones with a port; then lets those that are bound and not among them
  // leave. An error is the first address's that cannot be bound (its message names it); the others are, and nothing leaves.
  absl::Status SetAddresses(const std::vector<std::string>& addresses, IfTaken if_taken);
  // All leave, within `linger`; SetAddresses() is not called any more.
  void LeaveAll(absl::Duration linger);
  // Where they are bound, with ports, by address.
  std::vector<std::string> urls() const;
  int peers() const;

 private:
  struct Bound {
    LinePtr line;
    std::string url;
  };

  absl::Status Bind(const std::string& address, IfTaken if_taken);

  GateTraffic& traffic_;
  LeavingLines& leaving_;
  const absl::Duration linger_;
  absl::btree_map<std::string, Bound> lines_;  // By address.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_BOUND_LINES_H_

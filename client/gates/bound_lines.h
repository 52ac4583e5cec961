#ifndef SCOUTLIGHT_CLIENT_GATES_BOUND_LINES_H_
#define SCOUTLIGHT_CLIENT_GATES_BOUND_LINES_H_

#include <memory>
#include <string>
#include <utility>
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
    BeginClose();
    for (const auto& [address, bound] : lines_) bound.line->socket().Close();
  }

  // Binds those of `addresses` that are not bound, which are URLs, tcp ones with a port; then lets those that are bound and not among them
  // leave. An error is the first address's that cannot be bound (its message names it); the others are, and nothing leaves but what holds a
  // port that is wanted. kUnavailable: such a port is free when its peers have hung up, within `linger`.
  absl::Status SetAddresses(const std::vector<std::string>& addresses, IfTaken if_taken);
  // All leave, within `linger`; SetAddresses() is not called any more.
  void LeaveAll(absl::Duration linger);
  // Begins to close those that are here; they are destroyed next.
  void BeginClose() {
    for (const auto& [address, bound] : lines_) bound.line->socket().BeginClose();
  }
  // Where they are bound, with ports, by address.
  std::vector<std::string> urls() const;
  int peers() const;

 private:
  struct Bound {
    LinePtr line;
    std::string url;
  };

  absl::Status Bind(const std::string& address, IfTaken if_taken);
  // Lets those that are not among `addresses` leave which hold the port of `address`; whether one holds it still.
  bool HoldsPortOf(const std::string& address, const std::vector<std::string>& addresses);
  void Leave(Bound bound);

  GateTraffic& traffic_;
  LeavingLines& leaving_;
  const absl::Duration linger_;
  absl::btree_map<std::string, Bound> lines_;                              // By address.
  std::vector<std::pair<std::string, std::weak_ptr<Line>>> leaving_from_;  // With the port that each holds while it leaves.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_BOUND_LINES_H_

#ifndef SCOUTLIGHT_TESTS_CHECKER_LEASE_RULES_H_
#define SCOUTLIGHT_TESTS_CHECKER_LEASE_RULES_H_

#include <vector>

#include "absl/time/time.h"
#include "tests/checker/findings.h"
#include "tests/checker/history.h"
#include "tests/checker/pins.h"
#include "tests/checker/replay.h"

namespace scoutlight::checker {

// How exact the ends of leases are taken.
struct LeaseBounds {
  // Until it is late: the store's own ticks, and the time in which the log comes to the collector, on a busy machine.
  absl::Duration late = absl::Seconds(10);
  // Of a pause, the part that the store need not notice.
  absl::Duration unnoticed_pause = absl::Seconds(1);
  // How long what an old leader wants to end may be on its way: etcd's own bound for a request, five seconds and two elections.
  absl::Duration old_leader = absl::Seconds(7);
};

// Checks that no lease ended earlier than one TTL after its last acknowledged renewal was sent (time in which the server did not run does
// not count; an old leader may end what it thinks has run out and was renewed until LeaseBounds::old_leader after it has heard), nor later
// than one TTL after the last renewal that may have counted, or two once the server was restarted since, or one after the last new leader;
// that calls found leases where they must have been, and none where they had ended. `ends` as replay.h found them.
void CheckLeases(const History& history, const std::vector<Pin>& pins, const std::vector<Nanos>& known, const ReplayResult& replayed,
                 const LeaseBounds& bounds, Findings* findings);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_LEASE_RULES_H_

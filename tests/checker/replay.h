#ifndef SCOUTLIGHT_TESTS_CHECKER_REPLAY_H_
#define SCOUTLIGHT_TESTS_CHECKER_REPLAY_H_

#include <vector>

#include "tests/checker/findings.h"
#include "tests/checker/history.h"
#include "tests/checker/pins.h"

namespace scoutlight::checker {

// The end of a lease, as the log has it.
struct LeaseEnd {
  LeaseId lease = 0;
  Revision revision = 0;
  EventCause cause = EventCause::kLeaseExpired;
};

struct ReplayResult {
  std::vector<LeaseEnd> ends;
  std::vector<LeaseId> used_at_end;  // Leases that have keys in the last state.
};

// Carries out the log from the empty state on and compares: each event with the state before it, each write's answer and events with what
// it must do there, each read and each snapshot of a watch with the state that it says it shows. Ends of leases must take all keys of one
// lease; revisions of unanswered deletes (kDeleter) must be such a delete's. `known` is KnownSince. Costs n log n.
ReplayResult Replay(const History& history, const std::vector<Pin>& pins, const std::vector<int>& writers, const std::vector<Nanos>& known,
                    Findings* findings);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REPLAY_H_

#ifndef SCOUTLIGHT_TESTS_CHECKER_CLAIMS_H_
#define SCOUTLIGHT_TESTS_CHECKER_CLAIMS_H_

#include <vector>

#include "tests/checker/findings.h"
#include "tests/checker/history.h"
#include "tests/checker/pins.h"

namespace scoutlight::checker {

// Who made a revision, if no call did.
inline constexpr int kNobody = -1;    // Nobody, as far as known: a violation, reported.
inline constexpr int kTheStore = -2;  // A lease ended by itself; over etcd perhaps while somebody revoked it.
inline constexpr int kDeleter = -3;   // Only deletes: an unanswered one, which its values do not tell (unanswered_deletes.h).

// Checks that the log is 2, 3, ... N, that every acknowledged write is in it, and that each revision has one writer; calls without an
// answer are found by the values they put. Gives the writers: at [revision] a call's index or one of the above; empty when the log is not
// contiguous and nothing more can be said. Pins of calls found that way become kWrite, those of repetitions of a write kPast.
std::vector<int> ClaimRevisions(const History& history, std::vector<Pin>* pins, Findings* findings);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_CLAIMS_H_

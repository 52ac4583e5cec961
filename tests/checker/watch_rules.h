#ifndef SCOUTLIGHT_TESTS_CHECKER_WATCH_RULES_H_
#define SCOUTLIGHT_TESTS_CHECKER_WATCH_RULES_H_

#include "tests/checker/findings.h"
#include "tests/checker/history.h"

namespace scoutlight::checker {

// Checks that each chain was sent what the log holds in its range: every matching event once, in order of revision and key, a
// transaction's together (but for fragments), with cause and previous entry; that no frame says that more has been sent than was; that a
// resumed stream goes on where the one before ended; that the state is sent when it was asked for or the changes are compacted away, and
// not else; that it reached what it was waited for to reach. The log must be contiguous. One merge with the log for each chain. (The
// entries of snapshots are looked at by replay.h, times by real_time.h.)
void CheckWatches(const History& history, Findings* findings);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_WATCH_RULES_H_

#ifndef SCOUTLIGHT_TESTS_CHECKER_REAL_TIME_H_
#define SCOUTLIGHT_TESTS_CHECKER_REAL_TIME_H_

#include <vector>

#include "tests/checker/findings.h"
#include "tests/checker/history.h"
#include "tests/checker/pins.h"

namespace scoutlight::checker {

// Checks that the order of revisions agrees with real time: whoever calls after somebody learned of revision r makes a later one, or sees
// r or a later one. Answers, frames of watches and the log count as learning. With slots 2r for the write and 2r + 1 for reads of
// revision r, that is the case exactly if the order of slots is a legal linearization.
void CheckRealTime(const History& history, const std::vector<Pin>& pins, Findings* findings);

// At [revision] of 0 to the log's last: when at the latest it was there, because somebody had learned of it or of a later one; kNever:
// nobody has.
std::vector<Nanos> KnownSince(const History& history, const std::vector<Pin>& pins);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REAL_TIME_H_

#ifndef SCOUTLIGHT_TESTS_CHECKER_COMPACTION_RULES_H_
#define SCOUTLIGHT_TESTS_CHECKER_COMPACTION_RULES_H_

#include "tests/checker/findings.h"
#include "tests/checker/history.h"

namespace scoutlight::checker {

// Whether the states before `oldest` may have been given up by `time`.
bool MayHaveCompacted(const History& history, Revision oldest, Nanos time);

// Checks every read that was refused as OUT_OF_RANGE: COMPACTED only below a mark that the store may have had, FUTURE_REVISION only above
// the latest.
void CheckOutOfRange(const History& history, Findings* findings);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_COMPACTION_RULES_H_

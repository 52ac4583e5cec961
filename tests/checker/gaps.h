#ifndef SCOUTLIGHT_TESTS_CHECKER_GAPS_H_
#define SCOUTLIGHT_TESTS_CHECKER_GAPS_H_

#include "tests/checker/history.h"

namespace scoutlight::checker {

// Above this FillGaps fills nothing: no test makes so many, and the checker costs memory for each.
inline constexpr Revision kFilledRevisionsMax = 4'000'000;

// Makes the log of a store whose revisions others take too whole: a batch without events stands for each that is missing, up to the highest
// that the history names. Then the check takes them for states at which nothing changed: calls and watches may name them, nobody may have
// written at one. All numbers stay as they are, and with them what was said of their order. Costs are linear in the highest revision; a
// history that names one above kFilledRevisionsMax stays as it is, for the check to find.
void FillGaps(History* history);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_GAPS_H_

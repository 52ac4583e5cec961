#ifndef SCOUTLIGHT_TESTS_CHECKER_STRETCH_H_
#define SCOUTLIGHT_TESTS_CHECKER_STRETCH_H_

#include <cstdint>

#include "tests/checker/history.h"

namespace scoutlight::checker {

// Makes of the history of a store that has its revisions to itself that of one which shares them: leaves out some, and renames all that it
// names, in order. What was true stays true, and what was false false. The same seed leaves out the same ones.
void Stretch(uint64_t seed, History* history);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_STRETCH_H_

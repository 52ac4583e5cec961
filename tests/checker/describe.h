#ifndef SCOUTLIGHT_TESTS_CHECKER_DESCRIBE_H_
#define SCOUTLIGHT_TESTS_CHECKER_DESCRIBE_H_

#include <string>

#include "tests/checker/history.h"

namespace scoutlight::checker {

// One line for a person: who, when (ms since `epoch`), what, and what came of it.
std::string Describe(const Call& call, Nanos epoch);
// Likewise; as many lines as it has events.
std::string Describe(const LoggedBatch& logged, Nanos epoch);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_DESCRIBE_H_

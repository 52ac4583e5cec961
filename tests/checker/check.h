#ifndef SCOUTLIGHT_TESTS_CHECKER_CHECK_H_
#define SCOUTLIGHT_TESTS_CHECKER_CHECK_H_

#include <string>
#include <vector>

#include "tests/checker/findings.h"
#include "tests/checker/history.h"
#include "tests/checker/lease_rules.h"

namespace scoutlight::checker {

// Judges a history exactly: every answer names the revision of the state that it shows, so there is one order to check and none to search
// for. Gives what it breaks, at most Findings::kPerRuleMax of each rule; empty: nothing. Costs n log n; not thread-safe, does not block.
// Not looked at: keys of the tree /.scoutlight, the texts of errors, and which fields they name.
std::vector<Violation> Check(const History& history, const LeaseBounds& bounds = {});

// Violations for a person, each with its rule, its clients, and a window of about 20 calls and the log around its revision.
std::string Report(const History& history, const std::vector<Violation>& violations);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_CHECK_H_

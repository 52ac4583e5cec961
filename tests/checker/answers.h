#ifndef SCOUTLIGHT_TESTS_CHECKER_ANSWERS_H_
#define SCOUTLIGHT_TESTS_CHECKER_ANSWERS_H_

#include <string>
#include <vector>

#include "tests/checker/history.h"
#include "tests/checker/tree.h"

namespace scoutlight::checker {

// What is wrong with an answer; empty: nothing. `tree` is the state that it speaks of: of a write that changed something the one before.

// Of a write that was answered, at whatever revision. `effect` is what it must do.
std::string FaultInWrite(const Call& call, const Effect& effect);
std::string FaultInRead(const Call& call, const Tree& tree);

// Of the events of a transaction, against those it must have.
std::string FaultInEvents(const std::vector<Event>& events, const Effect& effect);

// Of the entries of a snapshot. Branches, and whether there are children, are not looked at.
std::string FaultInSnapshot(const std::vector<Entry>& entries, const KeyRange& range, const Tree& tree);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_ANSWERS_H_

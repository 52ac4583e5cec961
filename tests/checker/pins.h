#ifndef SCOUTLIGHT_TESTS_CHECKER_PINS_H_
#define SCOUTLIGHT_TESTS_CHECKER_PINS_H_

#include <cstdint>
#include <vector>

#include "tests/checker/findings.h"
#include "tests/checker/history.h"

namespace scoutlight::checker {

// Where a call stands in the order of states, by its own answer.
struct Pin {
  enum class Kind : uint8_t {
    kNone,   // It says nothing of a state.
    kWrite,  // It made `revision`.
    kRead,   // It saw `revision` as the latest state.
    kPast,   // It saw `revision`, which was not asked to be the latest.
  };

  Kind kind = Kind::kNone;
  Revision revision = 0;
  Nanos called = 0;  // From when on it may have happened: for a repetition, since the first of its calls.
};

// A pin for each call. Adds to `findings` what contradicts itself: an answer without a revision, a repetition of nothing.
std::vector<Pin> PinCalls(const History& history, Findings* findings);

// The request id of a call; empty: none.
const std::string& RequestIdOf(const Call& call);
// Whether the answer is OK and says that it is a repetition's.
bool IsReplayed(const Call& call);
// Shows the puts of both branches.
template <typename Show>
void ForEachPut(const Write& write, Show show) {
  for (const auto* branch : {&write.on_success, &write.on_failure}) {
    for (const storage::Operation& operation : *branch) {
      if (const auto* put = std::get_if<storage::PutOperation>(&operation)) show(*put);
    }
  }
}

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_PINS_H_

#ifndef SCOUTLIGHT_TESTS_CHECKER_FINDINGS_H_
#define SCOUTLIGHT_TESTS_CHECKER_FINDINGS_H_

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/entry.h"

namespace scoutlight::checker {

// What a history breaks.
enum class Rule {
  kHistory,     // The recording itself: what history.h requires.
  kContiguity,  // Revisions are 2, 3, ... N, each one transaction of one writer, or a gap; none acknowledged is missing.
  kRealTime,    // Who calls after another has returned sees at least what that one saw.
  kReplay,      // Answers and events are those of the transactions carried out one after the other.
  kRepetition,  // A request is carried out once, and answered the same again.
  kWatch,       // A watch shows every matching event once, in order, whole; its frames tell the truth.
  kLease,       // Leases end on time, once, with all their keys and no others.
  kCompaction,  // What is not compacted can be read.
  // Of registrations (registration_rules.h).
  kOneOwner,
  kFencing,
  kKept,
  kShown,
  kOwnWrites,
  kOrder,
  kResolve,
  kDrain,
};
inline constexpr size_t kRules = static_cast<size_t>(Rule::kDrain) + 1;
absl::string_view RuleName(Rule rule);

struct Violation {
  Rule rule = Rule::kHistory;
  std::string message;
  Revision revision = 0;   // Where to look; 0: nowhere special.
  std::vector<int> calls;  // Indices into History::calls.
};

// Collects violations, at most kPerRuleMax of each rule: one fault shows itself in many places, the first ones tell most.
class Findings {
 public:
  static constexpr int kPerRuleMax = 5;

  void Add(Rule rule, Revision revision, std::vector<int> calls, std::string message) {
    if (full(rule)) return;
    ++counts_[static_cast<size_t>(rule)];
    violations_.push_back({rule, std::move(message), revision, std::move(calls)});
  }
  bool full(Rule rule) const { return counts_[static_cast<size_t>(rule)] >= kPerRuleMax; }
  std::vector<Violation> Take() { return std::move(violations_); }

 private:
  std::vector<Violation> violations_;
  std::array<int, kRules> counts_ = {};
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_FINDINGS_H_

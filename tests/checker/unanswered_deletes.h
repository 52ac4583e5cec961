#ifndef SCOUTLIGHT_TESTS_CHECKER_UNANSWERED_DELETES_H_
#define SCOUTLIGHT_TESTS_CHECKER_UNANSWERED_DELETES_H_

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "tests/checker/findings.h"
#include "tests/checker/history.h"
#include "tests/checker/pins.h"
#include "tests/checker/tree.h"

namespace scoutlight::checker {

// Finds for each revision that holds nothing but deletes, and that no answered call claims, an unanswered call that may have made it. No
// value tells which; so it is a matching of revisions and calls, each call at most once. Not thread-safe.
class UnansweredDeletes {
 public:
  // Both outlive this.
  UnansweredDeletes(const History& history, const std::vector<Pin>& pins);

  // Notes the calls that would make exactly `batch` on `before` and were called by `known`, when its revision was there.
  void Add(const Batch& batch, Nanos known, Tree* before);

  // Looks for the matching. Adds a violation for each revision that has no call.
  void Match(Findings* findings);

 private:
  bool Assign(size_t revision, absl::flat_hash_set<int>* tried);

  const History& history_;
  absl::flat_hash_map<absl::string_view, std::vector<int>> calls_by_key_;  // That delete at or around the key.
  std::vector<std::pair<Revision, std::vector<int>>> candidates_;
  absl::flat_hash_map<int, size_t> taken_;  // Call -> index into candidates_.
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_UNANSWERED_DELETES_H_

#include "tests/checker/unanswered_deletes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/checker/answers.h"

namespace scoutlight::checker {

UnansweredDeletes::UnansweredDeletes(const History& history, const std::vector<Pin>& pins) : history_(history) {
  for (size_t i = 0; i < history.calls.size(); ++i) {
    const auto* const write = std::get_if<Write>(&history.calls[i].request);
    if (write == nullptr || history.calls[i].outcome != Outcome::kUnknown || pins[i].kind != Pin::Kind::kNone) continue;
    for (const auto* branch : {&write->on_success, &write->on_failure}) {
      for (const storage::Operation& operation : *branch) {
        const auto* const erase = std::get_if<storage::DeleteOperation>(&operation);
        if (erase == nullptr) continue;
        std::vector<int>& calls = calls_by_key_[erase->range.key.path()];
        if (calls.empty() || calls.back() != static_cast<int>(i)) calls.push_back(static_cast<int>(i));
      }
    }
  }
}

void UnansweredDeletes::Add(const Batch& batch, Nanos known, Tree* before) {
  std::vector<int> candidates;
  // Whoever deleted the first key named it or a key above it.
  for (Key key = batch.events.front().key;; key = key.Parent()) {
    const auto named = calls_by_key_.find(key.path());
    if (named != calls_by_key_.end()) {
      for (const int call : named->second) {
        if (history_.calls[call].called > known) continue;
        const Effect effect = before->Evaluate(std::get<Write>(history_.calls[call].request), batch.revision, Tree::Leases::kThere);
        if (effect.code == absl::StatusCode::kOk && FaultInEvents(batch.events, effect).empty()) candidates.push_back(call);
      }
    }
    if (key.is_root()) break;
  }
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  candidates_.emplace_back(batch.revision, std::move(candidates));
}

void UnansweredDeletes::Match(Findings* findings) {
  for (size_t i = 0; i < candidates_.size(); ++i) {
    absl::flat_hash_set<int> tried;
    if (Assign(i, &tried)) continue;
    const auto& [revision, calls] = candidates_[i];
    findings->Add(Rule::kContiguity, revision, calls, absl::StrCat("nobody made revision ", revision, ", which deletes"));
  }
}

// Kuhn's augmenting paths, as deep as there are unanswered deletes that could stand for one another.
bool UnansweredDeletes::Assign(size_t revision, absl::flat_hash_set<int>* tried) {
  for (const int call : candidates_[revision].second) {
    if (!tried->insert(call).second) continue;
    const auto holder = taken_.find(call);
    if (holder != taken_.end() && !Assign(holder->second, tried)) continue;
    taken_[call] = revision;
    return true;
  }
  return false;
}

}  // namespace scoutlight::checker

#include "storage/testing/model_comparison.h"

#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace scoutlight::storage {

CommitResult Normalized(const Transaction& transaction, CommitResult result) {
  const std::vector<Operation>& operations = result.succeeded ? transaction.on_success : transaction.on_failure;
  for (size_t i = 0; i < result.results.size() && i < operations.size(); ++i) {
    if (!std::holds_alternative<PutOperation>(operations[i]) && !std::holds_alternative<DeleteOperation>(operations[i])) continue;
    for (Entry& entry : result.results[i].entries) entry.has_children = false;
  }
  return result;
}

bool SameFailure(const absl::Status& a, const absl::Status& b) { return a.code() == b.code() && ReasonOf(a) == ReasonOf(b); }

bool Same(const CommitResult& a, const CommitResult& b) {
  if (!SameFailure(a.status, b.status) || a.revision != b.revision || a.changed != b.changed) return false;
  return !a.status.ok() || (a.succeeded == b.succeeded && a.results == b.results);
}

bool Same(const Page& a, const Page& b) {
  if (!SameFailure(a.status, b.status) || a.oldest_revision != b.oldest_revision) return false;
  return !a.status.ok() || (a.revision == b.revision && a.more == b.more && a.entries == b.entries);
}

}  // namespace scoutlight::storage

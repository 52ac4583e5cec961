#include "tests/checker/compaction_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace scoutlight::checker {

bool MayHaveCompacted(const History& history, Revision oldest, Nanos time) {
  return history.compacts_by_itself || oldest <= 1 ||
         std::any_of(history.compactions.begin(), history.compactions.end(),
                     [&](const Compaction& compaction) { return compaction.oldest >= oldest && compaction.called <= time; });
}

void CheckOutOfRange(const History& history, Findings* findings) {
  for (size_t i = 0; i < history.calls.size(); ++i) {
    const Call& call = history.calls[i];
    const auto* const read = std::get_if<Read>(&call.request);
    if (read == nullptr || call.outcome != Outcome::kFailed || call.failure.code != absl::StatusCode::kOutOfRange) continue;
    const auto fault = [&](std::string message) {
      findings->Add(Rule::kCompaction, read->query.revision, {static_cast<int>(i)}, std::move(message));
    };
    const Revision asked = read->query.revision;
    if (call.failure.reason == Reason::kFutureRevision) {
      if (asked <= call.failure.revision) fault(absl::StrCat("revision ", asked, " is no future one at ", call.failure.revision));
    } else if (asked == 0 || asked >= call.failure.oldest_revision) {
      fault(absl::StrCat("revision ", asked, " is refused, and the oldest is ", call.failure.oldest_revision));
    } else if (!MayHaveCompacted(history, call.failure.oldest_revision, call.returned)) {
      fault(absl::StrCat("nobody has compacted up to ", call.failure.oldest_revision));
    }
  }
}

}  // namespace scoutlight::checker

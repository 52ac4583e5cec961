#ifndef SCOUTLIGHT_STORAGE_LOCAL_EVALUATOR_H_
#define SCOUTLIGHT_STORAGE_LOCAL_EVALUATOR_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "storage/local/lease_table.h"
#include "storage/local/overlay.h"
#include "storage/transaction.h"

namespace scoutlight::storage {

// What may stop a transaction besides its own conditions; asked while it is evaluated.
struct Rules {
  // OK when so much more may hang on lease `id` (what this transaction has put before included).
  std::function<absl::Status(LeaseId id, LeaseLoad more)> may_use_lease;
  // OK when entries may be put now.
  absl::Status may_put;
  // OK when entries may be deleted now.
  absl::Status may_delete;
};

// One changed key.
struct Change {
  std::string path;
  Event event;                                 // With `previous`.
  std::string record;                          // Of the new entry; empty when deleted.
  std::optional<std::string> previous_record;  // nullopt: nothing was there.
};

// What a key with this record counts for on its lease.
inline int64_t BytesOnLease(absl::string_view path, absl::string_view record) { return static_cast<int64_t>(path.size() + record.size()); }

struct Evaluation {
  CommitResult result;          // All but `replayed`.
  std::vector<Change> changes;  // In key order; empty when the result is not OK.
};

// Evaluates `transaction` on `state`, as the transaction that makes `revision`, and leaves its changes in `state`; when it fails or changes
// nothing, `state` is as before, and the result's revision is `revision - 1`. The transaction has passed CheckTransaction.
// Status codes as Store::Commit; fields in violations have their path in the transaction.
Evaluation Evaluate(const Transaction& transaction, Revision revision, const Rules& rules, Overlay* state);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_EVALUATOR_H_

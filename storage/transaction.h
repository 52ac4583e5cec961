#ifndef SCOUTLIGHT_STORAGE_TRANSACTION_H_
#define SCOUTLIGHT_STORAGE_TRANSACTION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "base/entry.h"
#include "base/key.h"

namespace scoutlight::storage {

// What a condition compares with. A missing key has version, create_revision, mod_revision and lease_id 0; a comparison of the value of
// a missing key is false, kNotEqual too (as in etcd).
struct Condition {
  enum class Target : uint8_t { kVersion, kCreateRevision, kModRevision, kLeaseId, kValue, kExists };
  enum class Comparison : uint8_t { kEqual, kNotEqual, kLess, kGreater };

  Key key;
  Scope scope = Scope::kKey;  // Other than kKey only for {kExists, exists = false}: nothing lies in that range.
  Target target = Target::kExists;
  Comparison comparison = Comparison::kEqual;  // Of kExists: ignored. Values compare by bytes, whatever their form.
  int64_t number = 0;                          // For the numeric targets.
  Value value;                                 // For kValue.
  bool exists = true;                          // For kExists.
};

// Writes one key. The entry is detached from its former lease unless `lease_id` names it again.
struct PutOperation {
  Key key;  // Not the root.
  Value value;
  LeaseId lease_id = 0;                           // 0: none.
  bool if_absent = false;                         // The key must not be there: else kAlreadyExists, the transaction does nothing.
  std::optional<Revision> expected_mod_revision;  // Must be the key's, 0 meaning absent: else kFailedPrecondition, likewise.
  bool return_previous = false;
};

// Deletes what is there in a range; nothing there is no error.
struct DeleteOperation {
  KeyRange range;                                 // The key is not the root. Scope kChildren deletes the children's entries alone.
  std::optional<Revision> expected_mod_revision;  // With Scope::kKey only: must be the key's, 0 meaning absent.
  bool return_previous = false;
};

// Reads one key, or nothing when it is missing.
struct GetOperation {
  Key key;
};

// Reads a range in key order, at most `entries_max`.
struct ListOperation {
  KeyRange range;
  bool keys_only = false;
  int entries_max = 0;  // 1 to limits::kPageEntriesMax.
};

using Operation = std::variant<PutOperation, DeleteOperation, GetOperation, ListOperation>;

// What of a request with an id is remembered, and so what a repetition is answered with.
enum class Memory : uint8_t {
  kAnswer,  // What came of it: the same transaction, evaluated again on the state of then.
  kChange,  // Only that it changed something: `revision`, `changed` and `succeeded` of then, no results. For who makes another transaction
            // of the same request when it tries again, and for whom one that changed nothing is a try that failed.
};

// Whose transaction it is.
struct Origin {
  EventCause cause = EventCause::kWrite;
  uint64_t connection = 0;    // Shares of the queue are counted by it; 0: the server itself, without a share.
  std::string caller;         // With `request_id`: whose it is; at most limits::kCallerBytesMax.
  std::string request_id;     // Empty: not idempotent; at most limits::kRequestIdBytesMax.
  uint64_t request_hash = 0;  // Of the request, to tell a repetition from another request with the same id.
  Memory memory = Memory::kAnswer;
};

// If all conditions hold on the state before, `on_success` is carried out, else `on_failure`: in order, each operation seeing what those
// before it wrote, and all or nothing, at one revision. A key is written at most once.
struct Transaction {
  std::vector<Condition> conditions;
  std::vector<Operation> on_success;
  std::vector<Operation> on_failure;
  Origin origin;
  // Evaluates it as always, and undoes it: the answer is what it would be, but nothing changes, and `revision` is that of the state looked
  // at. Such a transaction is not remembered by its request_id. With Memory::kChange it asks whether the request was carried out: if so,
  // it is answered as a repetition; a store that remembers none says no.
  bool validate_only = false;
};

// What came of one operation.
struct OperationResult {
  // Put: the previous entry if asked and there was one. Delete: the previous entries if asked. Get: the entry if there is one. List: the
  // entries. In key order.
  std::vector<Entry> entries;
  int64_t deleted = 0;           // Delete: how many entries.
  bool more = false;             // List: it was cut.
  Revision create_revision = 0;  // Put: of the entry now.
  int64_t version = 0;           // Put: of the entry now.

  friend bool operator==(const OperationResult&, const OperationResult&) = default;
};

// What came of a transaction. `revision` is always that of the state the answer shows: when the transaction changed something its own.
struct CommitResult {
  absl::Status status;  // Not OK: nothing changed, except kUnknown with Reason::kOutcomeUnknown.
  Revision revision = 0;
  bool changed = false;    // False: no revision was taken.
  bool succeeded = false;  // Which branch was taken.
  bool replayed = false;   // The first answer to an earlier request with the same id.
  std::vector<OperationResult> results;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TRANSACTION_H_

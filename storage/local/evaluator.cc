#include "storage/local/evaluator.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/local/layout.h"
#include "storage/local/range_reader.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

// Room for the parts of an answer that are not entries: each operation's result, and the header.
constexpr size_t kAnswerBytesPerOperation = 32;
constexpr size_t kAnswerEntriesBytesMax = limits::kAnswerBytesMax - limits::kOperationsMax * kAnswerBytesPerOperation - 4 * limits::kKiB;

template <typename T>
bool Compares(const T& actual, const T& wanted, Condition::Comparison comparison) {
  switch (comparison) {
    case Condition::Comparison::kEqual:
      return actual == wanted;
    case Condition::Comparison::kNotEqual:
      return actual != wanted;
    case Condition::Comparison::kLess:
      return actual < wanted;
    case Condition::Comparison::kGreater:
      return actual > wanted;
  }
  return false;
}

// One evaluation.
class Evaluator {
 public:
  Evaluator(Revision revision, const Rules& rules, Overlay* state) : revision_(revision), rules_(rules), state_(*state) {}

  absl::Status Run(const Transaction& transaction, CommitResult* result) {
    result->succeeded = true;
    for (const Condition& condition : transaction.conditions) {
      absl::StatusOr<bool> holds = Holds(condition);
      if (!holds.ok()) return holds.status();
      if (*holds) continue;
      result->succeeded = false;
      break;
    }
    cause_ = transaction.origin.cause;
    const std::vector<Operation>& operations = result->succeeded ? transaction.on_success : transaction.on_failure;
    for (size_t i = 0; i < operations.size(); ++i) {
      absl::StatusOr<OperationResult> done = std::visit([this](const auto& operation) { return Do(operation); }, operations[i]);
      if (!done.ok()) return PrefixFields(done.status(), absl::StrCat(result->succeeded ? "on_success[" : "on_failure[", i, "]."));
      for (const Entry& entry : done->entries) answer_bytes_ += EntryBytes(entry);
      if (answer_bytes_ > kAnswerEntriesBytesMax) return AnswerTooLarge();
      result->results.push_back(*std::move(done));
    }
    return absl::OkStatus();
  }

  std::vector<Change> TakeChanges() {
    std::sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) { return a.path < b.path; });
    return std::move(changes_);
  }

 private:
  absl::StatusOr<bool> Holds(const Condition& condition) {
    if (condition.scope != Scope::kKey) {
      absl::StatusOr<std::vector<Entry>> entries =
          ReadRange({.range = {condition.key, condition.scope}, .branches = false, .entries_max = 1});
      if (!entries.ok()) return entries.status();
      return entries->empty();
    }
    absl::StatusOr<std::optional<std::string>> record = state_.Lookup(layout::EncodePath(condition.key));
    if (!record.ok()) return record.status();
    layout::EntryHeader header;  // Zeros when missing.
    if (record->has_value()) {
      absl::StatusOr<layout::EntryHeader> decoded = layout::DecodeEntryHeader(**record);
      if (!decoded.ok()) return decoded.status();
      header = *decoded;
    }
    switch (condition.target) {
      case Condition::Target::kExists:
        return record->has_value() == condition.exists;
      case Condition::Target::kVersion:
        return Compares<int64_t>(header.version, condition.number, condition.comparison);
      case Condition::Target::kCreateRevision:
        return Compares<int64_t>(header.create_revision, condition.number, condition.comparison);
      case Condition::Target::kModRevision:
        return Compares<int64_t>(header.mod_revision, condition.number, condition.comparison);
      case Condition::Target::kLeaseId:
        return Compares<int64_t>(header.lease_id, condition.number, condition.comparison);
      case Condition::Target::kValue:
        return record->has_value() && Compares<absl::string_view>(header.value, condition.value.bytes, condition.comparison);
    }
    return false;
  }

  absl::StatusOr<OperationResult> Do(const PutOperation& put) {
    if (absl::Status status = rules_.may_put; !status.ok()) return status;
    const std::string path = layout::EncodePath(put.key);
    absl::StatusOr<std::optional<std::string>> before = state_.Lookup(path);
    if (!before.ok()) return before.status();
    std::optional<Entry> previous;
    if (before->has_value()) {
      absl::StatusOr<Entry> entry = layout::DecodeEntry(put.key, **before);
      if (!entry.ok()) return entry.status();
      previous = *std::move(entry);
    }
    if (put.if_absent && previous.has_value()) return KeyExists(put.key, "put.if_absent");
    const Revision actual = previous.has_value() ? previous->mod_revision : 0;
    if (put.expected_mod_revision.value_or(actual) != actual) {
      return UnexpectedRevision(put.key, *put.expected_mod_revision, actual, "put.expected_mod_revision");
    }
    Entry entry{.key = put.key,
                .value = put.value,
                .create_revision = previous.has_value() ? previous->create_revision : revision_,
                .mod_revision = revision_,
                .version = previous.has_value() ? previous->version + 1 : 1,
                .lease_id = put.lease_id,
                .has_value = true};
    OperationResult result;
    result.create_revision = entry.create_revision;
    result.version = entry.version;
    if (put.return_previous && previous.has_value()) result.entries.push_back(*previous);
    Change change{.path = path, .event = {}, .record = layout::EncodeEntry(entry), .previous_record = *std::move(before)};
    if (put.lease_id != 0) {
      // A key that is on the lease already counts once.
      const bool is_new = !previous.has_value() || previous->lease_id != put.lease_id;
      LeaseLoad& more = lease_loads_[put.lease_id];
      more.keys += is_new ? 1 : 0;
      more.bytes += BytesOnLease(path, change.record) - (is_new ? 0 : BytesOnLease(path, *change.previous_record));
      if (absl::Status status = rules_.may_use_lease(put.lease_id, more); !status.ok()) return status;
    }
    state_.Put(path, change.record);
    change.event = {.key = put.key,
                    .kind = EventKind::kPut,
                    .cause = cause_,
                    .entry = std::move(entry),
                    .previous = std::move(previous),
                    .previous_known = true};
    if (absl::Status status = Record(std::move(change)); !status.ok()) return status;
    return result;
  }

  absl::StatusOr<OperationResult> Do(const DeleteOperation& erase) {
    absl::StatusOr<std::vector<Entry>> entries = ReadRange(
        {.range = erase.range, .branches = false, .entries_max = limits::kChangesMax + 1, .bytes_max = limits::kTransactionBytesMax});
    if (!entries.ok()) return entries.status();
    if (erase.expected_mod_revision.has_value()) {
      const Revision actual = entries->empty() ? 0 : entries->front().mod_revision;
      if (*erase.expected_mod_revision != actual) {
        return UnexpectedRevision(erase.range.key, *erase.expected_mod_revision, actual, "delete.expected_mod_revision");
      }
    }
    if (!entries->empty()) {
      if (absl::Status status = rules_.may_delete; !status.ok()) return status;
    }
    OperationResult result;
    result.deleted = entries->size();
    for (Entry& entry : *entries) {
      Change change{.path = layout::EncodePath(entry.key), .event = {}, .record = "", .previous_record = layout::EncodeEntry(entry)};
      state_.Delete(change.path);
      change.event = {.key = entry.key,
                      .kind = EventKind::kDelete,
                      .cause = cause_,
                      .entry = {.key = entry.key, .mod_revision = revision_},
                      .previous = {},
                      .previous_known = true};
      change.event.previous = entry;
      change.event.previous->has_children = false;  // Events do not say.
      if (absl::Status status = Record(std::move(change)); !status.ok()) return status;
    }
    if (erase.return_previous) result.entries = *std::move(entries);
    return result;
  }

  absl::StatusOr<OperationResult> Do(const GetOperation& get) {
    absl::StatusOr<std::vector<Entry>> entries = ReadRange({.range = {get.key, Scope::kKey}});
    if (!entries.ok()) return entries.status();
    OperationResult result;
    result.entries = *std::move(entries);
    return result;
  }

  absl::StatusOr<OperationResult> Do(const ListOperation& list) {
    OperationResult result;
    absl::StatusOr<std::vector<Entry>> entries = ReadRange({.range = list.range,
                                                            .keys_only = list.keys_only,
                                                            .show_system = false,
                                                            .entries_max = list.entries_max,
                                                            .bytes_max = kAnswerEntriesBytesMax},
                                                           &result.more);
    if (!entries.ok()) return entries.status();
    result.entries = *std::move(entries);
    return result;
  }

  // Without `more`, a range that is cut is an error: too much for one transaction.
  absl::StatusOr<std::vector<Entry>> ReadRange(RangeRequest request, bool* more = nullptr) {
    const int entries_max = request.entries_max;
    // The state outlives this reader, which needs no share in it.
    RangeReader reader(std::shared_ptr<const StateReader>(std::shared_ptr<void>(), &state_), std::move(request));
    while (!reader.Run(limits::kInlineEntriesMax)) {
    }
    if (!reader.status().ok()) return reader.status();
    if (more != nullptr) {
      *more = reader.more();
    } else if (reader.more() && entries_max > 1) {
      return TransactionTooLarge(absl::StrCat("it would change over ", limits::kChangesMax, " keys or ", limits::kTransactionBytesMax,
                                              " bytes of entries; split it"));
    }
    return reader.TakeEntries();
  }

  absl::Status Record(Change change) {
    bytes_ += EntryBytes(change.event.entry) + (change.event.previous.has_value() ? EntryBytes(*change.event.previous) : 0);
    changes_.push_back(std::move(change));
    if (changes_.size() > static_cast<size_t>(limits::kChangesMax)) {
      return TransactionTooLarge(absl::StrCat("it would change over ", limits::kChangesMax, " keys; split it"));
    }
    // The end of a lease takes all its keys, however large they are.
    if (bytes_ > limits::kTransactionBytesMax && cause_ == EventCause::kWrite) {
      return TransactionTooLarge(
          absl::StrCat("its new and previous entries would hold over ", limits::kTransactionBytesMax, " bytes; split it"));
    }
    return absl::OkStatus();
  }

  const Revision revision_;
  const Rules& rules_;
  Overlay& state_;
  EventCause cause_ = EventCause::kWrite;
  size_t bytes_ = 0;
  size_t answer_bytes_ = 0;
  absl::flat_hash_map<LeaseId, LeaseLoad> lease_loads_;
  std::vector<Change> changes_;
};

}  // namespace

Evaluation Evaluate(const Transaction& transaction, Revision revision, const Rules& rules, Overlay* state) {
  Evaluation evaluation;
  const size_t mark = state->Mark();
  Evaluator evaluator(revision, rules, state);
  evaluation.result.status = evaluator.Run(transaction, &evaluation.result);
  if (evaluation.result.status.ok()) {
    evaluation.changes = evaluator.TakeChanges();
  } else {
    evaluation.result.results.clear();
  }
  if (!evaluation.result.status.ok() || transaction.validate_only) {
    state->RollBack(mark);
    evaluation.changes.clear();
  }
  evaluation.result.changed = !evaluation.changes.empty();
  evaluation.result.revision = evaluation.result.changed ? revision : revision - 1;
  return evaluation;
}

}  // namespace scoutlight::storage

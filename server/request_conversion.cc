#include "server/request_conversion.h"

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/stable_hash.h"
#include "server/page_token.h"
#include "server/request_fields.h"
#include "server/violations.h"
#include "storage/check_transaction.h"

namespace scoutlight::server {
namespace {

// Of an answer for everything but its entries, and for what an entry's encoding may exceed EntryBytes by.
constexpr size_t kAnswerSlackBytes = 128 * limits::kKiB;

storage::Order ReadOrder(wire::Order order, Violations* violations) {
  switch (order) {
    case wire::ORDER_UNSPECIFIED:
    case wire::ORDER_KEY:
      return storage::Order::kKey;
    case wire::ORDER_CREATION:
      return storage::Order::kCreation;
    default:
      violations->Add(Reason::kInvalidField, "order", absl::StrCat("is ", static_cast<int>(order), ", which is no Order"));
      return storage::Order::kKey;
  }
}

// A PutRequest or an Operation::Put: their fields have the same names.
template <typename Put>
storage::PutOperation ReadPut(const Put& put, Violations* violations) {
  storage::PutOperation operation;
  operation.key = ReadWrittenKey(put.key(), violations);
  operation.value = ReadValue(put, violations);
  operation.lease_id = ReadCount(put.lease_id(), "lease_id", violations);
  operation.if_absent = put.if_absent();
  if (put.has_expected_mod_revision()) {
    operation.expected_mod_revision = ReadCount(put.expected_mod_revision(), "expected_mod_revision", violations);
  }
  operation.return_previous = put.return_previous();
  return operation;
}

// A DeleteRequest or an Operation::Delete.
template <typename Delete>
storage::DeleteOperation ReadDelete(const Delete& request, Violations* violations) {
  storage::DeleteOperation operation;
  operation.range.key = ReadWrittenKey(request.key(), violations);
  operation.range.scope = ReadScope(request.scope(), Scope::kKey, violations);
  if (request.has_expected_mod_revision()) {
    operation.expected_mod_revision = ReadCount(request.expected_mod_revision(), "expected_mod_revision", violations);
    if (operation.range.scope != Scope::kKey) {
      violations->Add(Reason::kInvalidField, "expected_mod_revision", "goes with SCOPE_KEY only");
    }
  }
  operation.return_previous = request.return_previous();
  return operation;
}

storage::ListOperation ReadList(const wire::Operation::List& list, Violations* violations) {
  storage::ListOperation operation;
  operation.range = {ReadParent(list.parent(), violations), ReadScope(list.scope(), Scope::kChildren, violations)};
  operation.keys_only = list.keys_only();
  operation.entries_max = ReadEntriesMax(list.limit(), "limit", violations);
  return operation;
}

storage::Operation ReadOperation(const wire::Operation& operation, const std::string& path, Violations* violations) {
  switch (operation.operation_case()) {
    case wire::Operation::kPut:
      violations->SetPrefix(path + ".put.");
      return ReadPut(operation.put(), violations);
    case wire::Operation::kDelete:
      violations->SetPrefix(path + ".delete.");
      return ReadDelete(operation.delete_(), violations);
    case wire::Operation::kGet:
      violations->SetPrefix(path + ".get.");
      return storage::GetOperation{ReadEntryKey(operation.get().key(), violations)};
    case wire::Operation::kList:
      violations->SetPrefix(path + ".list.");
      return ReadList(operation.list(), violations);
    case wire::Operation::OPERATION_NOT_SET:
      break;
  }
  violations->SetPrefix("");
  violations->Add(Reason::kInvalidField, path, "one of put, delete, get, list must be set");
  return storage::GetOperation{};
}

// Whether `size` items are few enough to be looked at one by one.
bool CheckSize(int size, int size_max, absl::string_view field, Violations* violations) {
  if (size <= size_max) return true;
  violations->SetPrefix("");
  violations->Add(Reason::kTransactionTooLarge, field, absl::StrCat("are ", size, ", at most ", size_max, " are allowed"));
  return false;
}

using Operations = google::protobuf::RepeatedPtrField<wire::Operation>;

std::vector<storage::Operation> ReadOperations(const Operations& operations, absl::string_view field, int size_max,
                                               Violations* violations) {
  std::vector<storage::Operation> read;
  if (!CheckSize(operations.size(), size_max, field, violations)) return read;
  read.reserve(operations.size());
  for (int i = 0; i < operations.size(); ++i) {
    read.push_back(ReadOperation(operations.Get(i), absl::StrCat(field, "[", i, "]"), violations));
  }
  return read;
}

storage::Condition::Comparison ReadComparison(const wire::Condition& condition, Violations* violations) {
  using Comparison = storage::Condition::Comparison;
  const bool compares_existence = condition.target_case() == wire::Condition::kExists;
  if (compares_existence && condition.comparison() != wire::Condition::COMPARISON_UNSPECIFIED) {
    violations->Add(Reason::kInvalidField, "comparison", "must be left out with exists");
  }
  switch (condition.comparison()) {
    case wire::Condition::COMPARISON_UNSPECIFIED:
    case wire::Condition::COMPARISON_EQUAL:
      return Comparison::kEqual;
    case wire::Condition::COMPARISON_NOT_EQUAL:
      return Comparison::kNotEqual;
    case wire::Condition::COMPARISON_LESS:
      return Comparison::kLess;
    case wire::Condition::COMPARISON_GREATER:
      return Comparison::kGreater;
    default:
      if (!compares_existence) {
        violations->Add(Reason::kInvalidField, "comparison",
                        absl::StrCat("is ", static_cast<int>(condition.comparison()), ", which is no Comparison"));
      }
      return Comparison::kEqual;
  }
}

void ReadTarget(const wire::Condition& condition, storage::Condition* read, Violations* violations) {
  using Target = storage::Condition::Target;
  const auto compare_number = [read](Target target, int64_t number) {
    read->target = target;
    read->number = number;
  };
  const auto compare_value = [read, violations](Value::Form form, const std::string& bytes) {
    CheckValueBytes(bytes, form == Value::Form::kText ? "text" : "data", violations);
    read->target = Target::kValue;
    read->value = {form, bytes};
  };
  switch (condition.target_case()) {
    case wire::Condition::kVersion:
      return compare_number(Target::kVersion, condition.version());
    case wire::Condition::kCreateRevision:
      return compare_number(Target::kCreateRevision, condition.create_revision());
    case wire::Condition::kModRevision:
      return compare_number(Target::kModRevision, condition.mod_revision());
    case wire::Condition::kLeaseId:
      return compare_number(Target::kLeaseId, condition.lease_id());
    case wire::Condition::kText:
      return compare_value(Value::Form::kText, condition.text());
    case wire::Condition::kData:
      return compare_value(Value::Form::kData, condition.data());
    case wire::Condition::kExists:
      read->target = Target::kExists;
      read->exists = condition.exists();
      return;
    case wire::Condition::TARGET_NOT_SET:
      violations->Add(Reason::kInvalidField, "target",
                      "one of version, create_revision, mod_revision, lease_id, text, data, exists must be set");
  }
}

storage::Condition ReadCondition(const wire::Condition& condition, Violations* violations) {
  storage::Condition read;
  read.key = ReadEntryKey(condition.key(), violations);
  read.scope = ReadScope(condition.scope(), Scope::kKey, violations);
  read.comparison = ReadComparison(condition, violations);
  ReadTarget(condition, &read, violations);
  const bool says_absent = condition.target_case() == wire::Condition::kExists && !condition.exists();
  if (read.scope != Scope::kKey && !says_absent) {
    violations->Add(Reason::kInvalidField, "scope", "other than SCOPE_KEY goes with `exists: false` only");
  }
  return read;
}

// The transaction, if nothing is wrong with its request, nor with it as a whole. `sole_operation`: the path that CheckTransaction puts
// before the fields of a request that is no transaction to its caller.
absl::StatusOr<storage::Transaction> Checked(storage::Transaction transaction, const Violations& violations, const storage::Traits& traits,
                                             absl::string_view sole_operation) {
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  const absl::Status wrong = storage::CheckTransaction(transaction, traits);
  if (!wrong.ok()) return StripFields(wrong, sole_operation);
  return transaction;
}

}  // namespace

absl::StatusOr<storage::Query> QueryOf(const wire::GetRequest& request) {
  Violations violations;
  storage::Query query;
  query.range = {ReadEntryKey(request.key(), &violations), Scope::kKey};
  query.revision = ReadCount(request.revision(), "revision", &violations);
  query.show_system = query.range.key.IsSystem();
  query.bytes_max = limits::kAnswerBytesMax;
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return query;
}

absl::StatusOr<ListQuery> ListQueryOf(const wire::ListRequest& request, const StoreId& store_id) {
  Violations violations;
  ListQuery list;
  storage::Query& query = list.query;
  query.range = {ReadParent(request.parent(), &violations), ReadScope(request.scope(), Scope::kChildren, &violations)};
  query.revision = ReadCount(request.revision(), "revision", &violations);
  query.keys_only = request.keys_only();
  query.show_system = query.range.key.IsSystem();
  query.order = ReadOrder(request.order(), &violations);
  query.entries_max = ReadEntriesMax(request.page_size(), "page_size", &violations);
  query.bytes_max = limits::kAnswerBytesMax - kAnswerSlackBytes;
  query.expect_more_pages = true;
  list.query_hash = StableHash()
                        .Add(query.range.key.path())
                        .Add(static_cast<uint64_t>(query.range.scope))
                        .Add(static_cast<uint64_t>(query.keys_only))
                        .Add(static_cast<uint64_t>(query.order))
                        .Add(static_cast<uint64_t>(query.revision))
                        .value();
  if (!request.page_token().empty()) {
    absl::StatusOr<PageToken> token = DecodePageToken(request.page_token(), list.query_hash, store_id);
    if (token.ok()) {
      query.revision = token->revision;
      query.after = std::move(token->position);
    } else {
      violations.Add(token.status());
    }
  }
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return list;
}

absl::StatusOr<storage::Transaction> TransactionOf(const wire::PutRequest& request, const storage::Traits& traits) {
  Violations violations;
  storage::Transaction transaction;
  transaction.on_success.push_back(ReadPut(request, &violations));
  CheckRequestId(request.request_id(), &violations);
  return Checked(std::move(transaction), violations, traits, kSolePut);
}

absl::StatusOr<storage::Transaction> TransactionOf(const wire::DeleteRequest& request, const storage::Traits& traits) {
  Violations violations;
  storage::Transaction transaction;
  transaction.on_success.push_back(ReadDelete(request, &violations));
  CheckRequestId(request.request_id(), &violations);
  return Checked(std::move(transaction), violations, traits, kSoleDelete);
}

absl::StatusOr<storage::Transaction> TransactionOf(const wire::TransactRequest& request, const storage::Traits& traits) {
  Violations violations;
  storage::Transaction transaction;
  if (CheckSize(request.conditions_size(), limits::kConditionsMax, "conditions", &violations)) {
    transaction.conditions.reserve(request.conditions_size());
    for (int i = 0; i < request.conditions_size(); ++i) {
      violations.SetPrefix(absl::StrCat("conditions[", i, "]."));
      transaction.conditions.push_back(ReadCondition(request.conditions(i), &violations));
    }
  }
  transaction.on_success = ReadOperations(request.on_success(), "on_success", traits.operations_max, &violations);
  transaction.on_failure = ReadOperations(request.on_failure(), "on_failure", traits.operations_max, &violations);
  violations.SetPrefix("");
  CheckRequestId(request.request_id(), &violations);
  return Checked(std::move(transaction), violations, traits, "");
}

std::vector<KeyRange> RangesOf(const storage::Query& query) { return {query.range}; }

std::vector<KeyRange> RangesOf(const ListQuery& list) { return {list.query.range}; }

std::vector<KeyRange> RangesOf(const storage::Transaction& transaction) {
  struct RangeOf {
    KeyRange operator()(const storage::PutOperation& put) const { return {put.key, Scope::kKey}; }
    KeyRange operator()(const storage::DeleteOperation& removal) const { return removal.range; }
    KeyRange operator()(const storage::GetOperation& get) const { return {get.key, Scope::kKey}; }
    KeyRange operator()(const storage::ListOperation& list) const { return list.range; }
  };
  std::vector<KeyRange> ranges;
  for (const storage::Condition& condition : transaction.conditions) ranges.push_back({condition.key, condition.scope});
  for (const storage::Operation& operation : transaction.on_success) ranges.push_back(std::visit(RangeOf(), operation));
  for (const storage::Operation& operation : transaction.on_failure) ranges.push_back(std::visit(RangeOf(), operation));
  return ranges;
}

}  // namespace scoutlight::server

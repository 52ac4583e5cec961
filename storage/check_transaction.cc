#include "storage/check_transaction.h"

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"

namespace scoutlight::storage {
namespace {

// Collects violations. The reason of the whole is that of the first one.
class Violations {
 public:
  void Add(Reason reason, std::string field, std::string description) {
    if (violations_.empty()) reason_ = reason;
    violations_.push_back({std::move(field), std::move(description)});
  }

  absl::Status ToStatus() && {
    if (violations_.empty()) return absl::OkStatus();
    return InvalidFields(reason_, std::move(violations_));
  }

 private:
  Reason reason_ = Reason::kUnspecified;
  std::vector<FieldViolation> violations_;
};

void CheckValue(const Value& value, const std::string& field, Violations* violations) {
  if (value.bytes.size() <= limits::kValueBytesMax) return;
  violations->Add(Reason::kValueTooLarge, field,
                  absl::StrCat("is ", value.bytes.size(), " bytes long, at most ", limits::kValueBytesMax, " are allowed"));
}

void CheckNotRoot(const Key& key, const std::string& field, Violations* violations) {
  if (key.is_root()) violations->Add(Reason::kInvalidKey, field, "is \"/\", which can only be listed and watched");
}

void CheckCondition(const Condition& condition, const std::string& path, Violations* violations) {
  CheckNotRoot(condition.key, absl::StrCat(path, ".key"), violations);
  if (condition.target == Condition::Target::kValue) CheckValue(condition.value, absl::StrCat(path, ".value"), violations);
  const bool is_absence = condition.target == Condition::Target::kExists && !condition.exists;
  if (condition.scope != Scope::kKey && !is_absence) {
    violations->Add(Reason::kInvalidField, absl::StrCat(path, ".scope"), "goes with `exists: false` only; a condition is about one key");
  }
}

void CheckPut(const PutOperation& put, const std::string& path, Violations* violations) {
  CheckNotRoot(put.key, absl::StrCat(path, ".key"), violations);
  CheckValue(put.value, absl::StrCat(path, ".value"), violations);
  if (put.lease_id < 0) {
    violations->Add(Reason::kInvalidField, absl::StrCat(path, ".lease_id"), absl::StrCat("is ", put.lease_id, ", must not be negative"));
  }
  if (put.expected_mod_revision.has_value() && *put.expected_mod_revision < 0) {
    violations->Add(Reason::kInvalidField, absl::StrCat(path, ".expected_mod_revision"),
                    absl::StrCat("is ", *put.expected_mod_revision, ", must not be negative"));
  }
  if (put.if_absent && put.expected_mod_revision.value_or(0) != 0) {
    violations->Add(Reason::kInvalidField, absl::StrCat(path, ".expected_mod_revision"),
                    absl::StrCat("is ", *put.expected_mod_revision, " and if_absent is set: both cannot hold"));
  }
}

void CheckDelete(const DeleteOperation& erase, const std::string& path, Violations* violations) {
  CheckNotRoot(erase.range.key, absl::StrCat(path, ".key"), violations);
  if (!erase.expected_mod_revision.has_value()) return;
  if (erase.range.scope != Scope::kKey) {
    violations->Add(Reason::kInvalidField, absl::StrCat(path, ".expected_mod_revision"), "goes with the scope KEY only");
  } else if (*erase.expected_mod_revision < 0) {
    violations->Add(Reason::kInvalidField, absl::StrCat(path, ".expected_mod_revision"),
                    absl::StrCat("is ", *erase.expected_mod_revision, ", must not be negative"));
  }
}

void CheckList(const ListOperation& list, const std::string& path, Violations* violations) {
  if (list.entries_max >= 1 && list.entries_max <= limits::kPageEntriesMax) return;
  violations->Add(Reason::kInvalidField, absl::StrCat(path, ".limit"),
                  absl::StrCat("is ", list.entries_max, ", must be from 1 to ", limits::kPageEntriesMax));
}

// What the deletes of a branch cover, so that a put inside can be found by its own key and its ancestors.
struct Deleted {
  absl::flat_hash_set<std::string> keys;
  absl::flat_hash_set<std::string> parents;  // Of SCOPE_CHILDREN.
  absl::flat_hash_set<std::string> subtrees;

  bool Covers(const Key& key) const {
    if (keys.contains(key.path()) || parents.contains(key.Parent().path())) return true;
    for (Key at = key; !at.is_root(); at = at.Parent()) {
      if (subtrees.contains(at.path())) return true;
    }
    return false;
  }
};

void CheckKeysOnce(const std::vector<Operation>& operations, absl::string_view branch, Violations* violations) {
  Deleted deleted;
  for (const Operation& operation : operations) {
    const auto* erase = std::get_if<DeleteOperation>(&operation);
    if (erase == nullptr) continue;
    auto& covered = erase->range.scope == Scope::kKey        ? deleted.keys
                    : erase->range.scope == Scope::kChildren ? deleted.parents
                                                             : deleted.subtrees;
    covered.insert(erase->range.key.path());
  }
  absl::flat_hash_set<absl::string_view> put_keys;
  for (size_t i = 0; i < operations.size(); ++i) {
    const auto* put = std::get_if<PutOperation>(&operations[i]);
    if (put == nullptr || put->key.is_root()) continue;
    const std::string field = absl::StrCat(branch, "[", i, "].put.key");
    if (!put_keys.insert(put->key.path()).second) {
      violations->Add(Reason::kDuplicateKey, field, absl::StrCat("\"", put->key.path(), "\" is put twice in one transaction"));
    } else if (deleted.Covers(put->key)) {
      violations->Add(Reason::kDuplicateKey, field, absl::StrCat("\"", put->key.path(), "\" is put and deleted in one transaction"));
    }
  }
}

void CheckBranch(const std::vector<Operation>& operations, absl::string_view branch, const Traits& traits, Violations* violations) {
  if (operations.size() > static_cast<size_t>(traits.operations_max)) {
    violations->Add(Reason::kTransactionTooLarge, std::string(branch),
                    absl::StrCat("has ", operations.size(), " operations, at most ", traits.operations_max, " are allowed"));
    return;
  }
  for (size_t i = 0; i < operations.size(); ++i) {
    const std::string path = absl::StrCat(branch, "[", i, "]");
    if (const auto* put = std::get_if<PutOperation>(&operations[i])) CheckPut(*put, absl::StrCat(path, ".put"), violations);
    if (const auto* erase = std::get_if<DeleteOperation>(&operations[i])) CheckDelete(*erase, absl::StrCat(path, ".delete"), violations);
    if (const auto* get = std::get_if<GetOperation>(&operations[i])) CheckNotRoot(get->key, absl::StrCat(path, ".get.key"), violations);
    if (const auto* list = std::get_if<ListOperation>(&operations[i])) CheckList(*list, absl::StrCat(path, ".list"), violations);
  }
  if (operations.size() > 1) CheckKeysOnce(operations, branch, violations);
}

}  // namespace

absl::Status CheckTransaction(const Transaction& transaction, const Traits& traits) {
  Violations violations;
  if (transaction.conditions.size() > static_cast<size_t>(limits::kConditionsMax)) {
    violations.Add(Reason::kTransactionTooLarge, "conditions",
                   absl::StrCat("has ", transaction.conditions.size(), " conditions, at most ", limits::kConditionsMax, " are allowed"));
    return std::move(violations).ToStatus();
  }
  for (size_t i = 0; i < transaction.conditions.size(); ++i) {
    CheckCondition(transaction.conditions[i], absl::StrCat("conditions[", i, "]"), &violations);
  }
  CheckBranch(transaction.on_success, "on_success", traits, &violations);
  CheckBranch(transaction.on_failure, "on_failure", traits, &violations);
  if (transaction.origin.request_id.size() > limits::kRequestIdBytesMax) {
    violations.Add(
        Reason::kInvalidField, "request_id",
        absl::StrCat("is ", transaction.origin.request_id.size(), " bytes long, at most ", limits::kRequestIdBytesMax, " are allowed"));
  }
  return std::move(violations).ToStatus();
}

}  // namespace scoutlight::storage

#include "storage/testing/dice.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "storage/check_transaction.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {

Key Dice::AnyKey() {
  if (Chance(5)) return K(absl::StrCat(kSystemTree, Chance(50) ? "/x" : "/y/z"));
  static constexpr const char* kNames[] = {"/a", "/b", "/a!", "/a."};
  std::string path;
  for (int depth = 1 + Below(3); depth > 0; --depth) path += kNames[Below(depth == 1 ? 4 : 3)];
  return K(path);
}

Scope Dice::AnyScope() { return static_cast<Scope>(Below(3)); }

KeyRange Dice::AnyRange() {
  if (Chance(15)) return {Key(), Chance(50) ? Scope::kChildren : Scope::kSubtree};
  if (Chance(5)) return {K(kSystemTree), AnyScope()};
  return {AnyKey(), AnyScope()};
}

Value Dice::AnyValue() {
  static constexpr const char* kValues[] = {"", "1", "2", "22", "3"};
  return {Chance(80) ? Value::Form::kText : Value::Form::kData, kValues[Below(5)]};
}

Revision Dice::AnyRevision(const ReferenceModel& model) {
  return model.oldest() - 2 + Below(static_cast<int>(model.latest() - model.oldest()) + 5);
}

LeaseId Dice::AnyLease(const ReferenceModel& model) {
  if (Chance(60)) return 0;
  if (Chance(5) || model.leases().empty()) return 4711;
  return *std::next(model.leases().begin(), Below(static_cast<int>(model.leases().size())));
}

Revision Dice::GuessedRevision(const ReferenceModel& model, const Key& key) {
  const ReferenceModel::State& state = model.StateAt(model.latest());
  const auto it = state.find(key);
  if (Chance(70)) return it == state.end() ? 0 : it->second.mod_revision;
  return Below(static_cast<int>(model.latest()) + 1);
}

PutOperation Dice::AnyPut(const ReferenceModel& model) {
  PutOperation put;
  put.key = AnyKey();
  put.value = AnyValue();
  put.return_previous = Chance(30);
  // One way to fail at most: which of several comes first is not promised.
  if (Chance(10)) {
    put.if_absent = true;
  } else if (Chance(10)) {
    put.expected_mod_revision = GuessedRevision(model, put.key);
  } else {
    put.lease_id = AnyLease(model);
  }
  return put;
}

DeleteOperation Dice::AnyDelete(const ReferenceModel& model) {
  DeleteOperation erase;
  erase.range = {AnyKey(), Chance(70) ? Scope::kKey : AnyScope()};
  erase.return_previous = Chance(50);
  if (erase.range.scope == Scope::kKey && Chance(20)) erase.expected_mod_revision = GuessedRevision(model, erase.range.key);
  return erase;
}

Operation Dice::AnyOperation(const ReferenceModel& model) {
  const int kind = Below(100);
  if (kind < 55) return AnyPut(model);
  if (kind < 75) return AnyDelete(model);
  if (kind < 85) return GetOperation{AnyKey()};
  ListOperation list;
  list.range = AnyRange();
  list.keys_only = Chance(30);
  list.entries_max = 1 + Below(10);
  return list;
}

Condition Dice::AnyCondition(const ReferenceModel& model) {
  Condition condition;
  condition.key = AnyKey();
  condition.target = static_cast<Condition::Target>(Below(6));
  condition.comparison = static_cast<Condition::Comparison>(Below(4));
  condition.number = Chance(50) ? GuessedRevision(model, condition.key) : Below(4);
  condition.value = AnyValue();
  condition.exists = Chance(60);
  if (condition.target == Condition::Target::kExists && !condition.exists) condition.scope = AnyScope();
  return condition;
}

Transaction Dice::AnyTransaction(const ReferenceModel& model, const Traits& traits) {
  for (;;) {
    Transaction transaction;
    for (int i = Chance(50) ? 0 : Below(4); i > 0; --i) transaction.conditions.push_back(AnyCondition(model));
    for (int i = Chance(60) ? 1 : Below(6); i > 0; --i) transaction.on_success.push_back(AnyOperation(model));
    for (int i = transaction.conditions.empty() ? 0 : Below(4); i > 0; --i) transaction.on_failure.push_back(AnyOperation(model));
    if (CheckTransaction(transaction, traits).ok()) return transaction;
  }
}

Query Dice::AnyQuery(const ReferenceModel& model) {
  Query query;
  query.range = AnyRange();
  if (Chance(50)) query.revision = std::max<Revision>(AnyRevision(model), 1);
  query.keys_only = Chance(20);
  query.show_system = Chance(20);
  query.order = Chance(30) ? Order::kCreation : Order::kKey;
  query.entries_max = Chance(50) ? 1000 : 1 + Below(6);
  query.bytes_max = Chance(70) ? limits::kAnswerBytesMax : Below(400);
  query.expect_more_pages = Chance(50);
  return query;
}

}  // namespace scoutlight::storage

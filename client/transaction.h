#ifndef SCOUTLIGHT_CLIENT_TRANSACTION_H_
#define SCOUTLIGHT_CLIENT_TRANSACTION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/entry.h"
#include "base/key.h"

namespace scoutlight {

// A value of text, valid UTF-8, or of any bytes; at most 1 MiB.
inline Value TextValue(std::string text) { return {Value::Form::kText, std::move(text)}; }
inline Value DataValue(std::string bytes) { return {Value::Form::kData, std::move(bytes)}; }

// Something that must hold on the state before a transaction. A key that is not there has the number 0 in every respect.
struct Condition {
  enum class Comparison { kEqual, kNotEqual, kLess, kGreater };
  // Which number of the key is compared.
  enum class Number { kVersion, kCreateRevision, kModRevision, kLease };

  struct Existence {
    bool exists = true;
  };
  struct NumberIs {
    Number number = Number::kModRevision;
    Comparison comparison = Comparison::kEqual;
    int64_t than = 0;
  };
  struct ValueIs {
    Comparison comparison = Comparison::kEqual;
    Value than;
  };

  // Something is stored at `key`, or nothing is.
  static Condition Exists(std::string key) { return {std::move(key), Scope::kKey, Existence{true}}; }
  static Condition Absent(std::string key) { return {std::move(key), Scope::kKey, Existence{false}}; }
  // Nothing is stored in the range.
  static Condition Empty(std::string key, Scope scope) { return {std::move(key), scope, Existence{false}}; }
  static Condition ModRevision(std::string key, Revision revision) { return NumberOf(std::move(key), {.than = revision}); }
  static Condition NumberOf(std::string key, NumberIs number) { return {std::move(key), Scope::kKey, number}; }
  // Values compare by their bytes; with that of a key that is not there every comparison is false.
  static Condition ValueOf(std::string key, ValueIs value) { return {std::move(key), Scope::kKey, std::move(value)}; }
  static Condition ValueEquals(std::string key, std::string text) { return ValueOf(std::move(key), {.than = TextValue(std::move(text))}); }

  std::string key;
  Scope scope = Scope::kKey;
  std::variant<Existence, NumberIs, ValueIs> what;
};

// One step of a transaction; it sees what the steps before it wrote.
struct Operation {
  struct Put {
    std::string key;
    Value value;
    LeaseId lease_id = 0;                                          // The entry goes when it ends; 0: it stays.
    bool if_absent = false;                                        // Else the whole transaction fails with kAlreadyExists.
    std::optional<Revision> expected_mod_revision = std::nullopt;  // Else it fails with kFailedPrecondition; 0: not there.
    bool return_previous = false;
  };
  struct Delete {
    std::string key;
    Scope scope = Scope::kKey;
    std::optional<Revision> expected_mod_revision = std::nullopt;
    bool return_previous = false;
  };
  // A key that is not there gives no entry, and no error.
  struct Get {
    std::string key;
  };
  // In key order.
  struct List {
    std::string parent;
    Scope scope = Scope::kChildren;
    bool keys_only = false;
    int limit = 0;  // At most so many entries; 0: 1,000; at most 10,000.
  };

  std::variant<Put, Delete, Get, List> what;
};

// Several operations at one revision, all or none: `on_success` if all `conditions` hold, else `on_failure`. At most 1,024 of each; a key
// is written once.
//
//   registry.Transact(Transaction()
//                         .If(Condition::Absent("/lock"))
//                         .Then(Operation::Put{.key = "/lock", .value = TextValue("me"), .lease_id = lease})
//                         .Else(Operation::Get{"/lock"}));
struct Transaction {
  Transaction& If(Condition condition) {
    conditions.push_back(std::move(condition));
    return *this;
  }
  template <typename Kind>
  Transaction& Then(Kind operation) {
    on_success.push_back({std::move(operation)});
    return *this;
  }
  template <typename Kind>
  Transaction& Else(Kind operation) {
    on_failure.push_back({std::move(operation)});
    return *this;
  }

  std::vector<Condition> conditions;
  std::vector<Operation> on_success;
  std::vector<Operation> on_failure;
};

// What came of an Operation.
struct OperationResult {
  struct Put {
    Revision create_revision = 0;  // Of the entry now.
    int64_t version = 0;
    std::optional<Entry> previous;  // If asked for; nullopt: nothing was there.
  };
  struct Delete {
    int64_t deleted = 0;
    std::vector<Entry> previous;  // If asked for, in key order.
  };
  struct Get {
    std::optional<Entry> entry;
  };
  struct List {
    std::vector<Entry> entries;
    bool more = false;  // It was cut, by the limit or at 3.5 MiB.
  };

  std::variant<Put, Delete, Get, List> what;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_TRANSACTION_H_

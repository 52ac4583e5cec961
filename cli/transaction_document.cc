#include "cli/transaction_document.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "discovery/bounded_json.h"
#include "discovery/object_reader.h"

namespace scoutlight::cli {
namespace {

using discovery::ObjectReader;
using Mistakes = std::vector<FieldViolation>;

// Beyond what the form needs.
constexpr int kDepthMax = 8;

template <typename T>
struct Named {
  absl::string_view name;
  T value;
};

constexpr Named<Scope> kScopes[] = {{"key", Scope::kKey}, {"children", Scope::kChildren}, {"subtree", Scope::kSubtree}};
constexpr Named<Condition::Comparison> kComparisons[] = {{"equal", Condition::Comparison::kEqual},
                                                         {"not_equal", Condition::Comparison::kNotEqual},
                                                         {"less", Condition::Comparison::kLess},
                                                         {"greater", Condition::Comparison::kGreater}};
constexpr Named<Condition::Number> kNumbers[] = {{"version", Condition::Number::kVersion},
                                                 {"create_revision", Condition::Number::kCreateRevision},
                                                 {"mod_revision", Condition::Number::kModRevision},
                                                 {"lease_id", Condition::Number::kLease}};

// One of several words; `otherwise` if it is missing.
template <typename T, size_t kCount>
T ReadWord(absl::string_view name, const Named<T> (&words)[kCount], T otherwise, ObjectReader* object) {
  const std::optional<std::string> word = object->String(name);
  if (!word.has_value()) return otherwise;
  std::string all;
  for (const Named<T>& known : words) {
    if (known.name == *word) return known.value;
    absl::StrAppend(&all, all.empty() ? "" : ", ", known.name);
  }
  object->AddMistake(name, absl::StrCat("must be one of ", all, ", is \"", *word, "\""));
  return otherwise;
}

std::string ReadKey(absl::string_view name, ObjectReader* object) {
  object->Require(name);
  return object->String(name).value_or("");
}

// Numbers, which may be written as texts.
std::optional<int64_t> ReadNumber(absl::string_view name, ObjectReader* object) {
  const nlohmann::json* const found = object->Find(name);
  if (found == nullptr || !found->is_string()) return object->Integer(name);
  int64_t number = 0;
  if (absl::SimpleAtoi(found->get<std::string>(), &number)) return number;
  object->AddMistake(name, absl::StrCat("must be a number, is \"", found->get<std::string>(), "\""));
  return std::nullopt;
}

Value ReadValue(ObjectReader* object) {
  const std::string text = object->String("value").value_or("");
  const std::optional<std::string> encoding = object->String("encoding");
  if (!encoding.has_value()) return TextValue(text);
  std::string bytes;
  if (*encoding != "base64") {
    object->AddMistake("encoding", absl::StrCat("must be base64, or not be there; is \"", *encoding, "\""));
  } else if (!absl::Base64Unescape(text, &bytes)) {
    object->AddMistake("value", "is no base64");
  }
  return DataValue(std::move(bytes));
}

void ReadCondition(const nlohmann::json& json, const std::string& path, Mistakes* mistakes, Transaction* transaction) {
  ObjectReader object(json, path, mistakes);
  const std::string key = ReadKey("key", &object);
  const bool compares_existence = object.Find("exists") != nullptr;
  const bool compares_value = object.Find("value") != nullptr;
  int asked = (compares_existence ? 1 : 0) + (compares_value ? 1 : 0);
  std::optional<Condition::NumberIs> number;
  for (const auto& [name, which] : kNumbers) {
    if (object.Find(name) == nullptr) continue;
    ++asked;
    number = {.number = which, .than = ReadNumber(name, &object).value_or(0)};
  }
  if (json.is_object() && asked != 1) {
    mistakes->push_back({path, "must have one of exists, value, version, create_revision, mod_revision, lease_id"});
  }
  if (compares_existence) {
    const Scope scope = ReadWord("scope", kScopes, Scope::kKey, &object);
    transaction->If({.key = key, .scope = scope, .what = Condition::Existence{object.Bool("exists", true)}});
  } else {
    const Condition::Comparison comparison = ReadWord("is", kComparisons, Condition::Comparison::kEqual, &object);
    if (number.has_value()) {
      number->comparison = comparison;
      transaction->If(Condition::NumberOf(key, *number));
    } else {
      transaction->If(Condition::ValueOf(key, {.comparison = comparison, .than = ReadValue(&object)}));
    }
  }
  object.RefuseOthers();
}

Operation::Put ReadPut(ObjectReader* object) {
  Operation::Put put{.key = ReadKey("key", object)};
  object->Require("value");
  put.value = ReadValue(object);
  put.lease_id = ReadNumber("lease_id", object).value_or(0);
  put.if_absent = object->Bool("if_absent", false);
  put.expected_mod_revision = ReadNumber("expected_mod_revision", object);
  put.return_previous = object->Bool("return_previous", false);
  return put;
}

Operation::Delete ReadDelete(ObjectReader* object) {
  Operation::Delete remove{.key = ReadKey("key", object)};
  remove.scope = ReadWord("scope", kScopes, Scope::kKey, object);
  remove.expected_mod_revision = ReadNumber("expected_mod_revision", object);
  remove.return_previous = object->Bool("return_previous", false);
  return remove;
}

Operation::List ReadList(ObjectReader* object) {
  Operation::List list{.parent = ReadKey("parent", object)};
  list.scope = ReadWord("scope", kScopes, Scope::kChildren, object);
  list.keys_only = object->Bool("keys_only", false);
  const int64_t limit = object->Integer("limit").value_or(0);
  if (limit < 0 || limit > INT32_MAX) object->AddMistake("limit", absl::StrCat("must be from 0 to ", INT32_MAX, ", is ", limit));
  list.limit = static_cast<int>(limit);
  return list;
}

void ReadOperation(const nlohmann::json& json, const std::string& path, Mistakes* mistakes, std::vector<Operation>* operations) {
  ObjectReader object(json, path, mistakes);
  int kinds = 0;
  for (const absl::string_view kind : {"put", "delete", "get", "list"}) {
    const nlohmann::json* const found = object.Find(kind);
    if (found == nullptr) continue;
    ++kinds;
    ObjectReader inner(*found, absl::StrCat(path, ".", kind), mistakes);
    if (kind == "put") operations->push_back({ReadPut(&inner)});
    if (kind == "delete") operations->push_back({ReadDelete(&inner)});
    if (kind == "get") operations->push_back({Operation::Get{ReadKey("key", &inner)}});
    if (kind == "list") operations->push_back({ReadList(&inner)});
    inner.RefuseOthers();
  }
  if (json.is_object() && kinds != 1) mistakes->push_back({path, "must have one of put, delete, get, list"});
  object.RefuseOthers();
}

// The items of a list with their paths; of what is no list none, which is a mistake.
template <typename Read>
void ReadItems(absl::string_view name, ObjectReader* document, Read read) {
  const nlohmann::json* const list = document->Find(name);
  if (list == nullptr) return;
  if (!list->is_array()) return document->AddMistake(name, "must be a list");
  for (size_t i = 0; i < list->size(); ++i) read((*list)[i], absl::StrCat(name, "[", i, "]"));
}

}  // namespace

absl::StatusOr<Transaction> ParseTransaction(absl::string_view text) {
  const absl::StatusOr<nlohmann::json> json =
      discovery::ParseBoundedJson(text, {.bytes_max = kTransactionDocumentBytesMax, .depth_max = kDepthMax}, "transaction");
  if (!json.ok()) return json.status();
  Mistakes mistakes;
  Transaction transaction;
  ObjectReader document(*json, "", &mistakes);
  ReadItems("conditions", &document,
            [&](const nlohmann::json& item, const std::string& path) { ReadCondition(item, path, &mistakes, &transaction); });
  ReadItems("on_success", &document,
            [&](const nlohmann::json& item, const std::string& path) { ReadOperation(item, path, &mistakes, &transaction.on_success); });
  ReadItems("on_failure", &document,
            [&](const nlohmann::json& item, const std::string& path) { ReadOperation(item, path, &mistakes, &transaction.on_failure); });
  document.RefuseOthers();
  if (!mistakes.empty()) return InvalidFields(Reason::kInvalidField, std::move(mistakes));
  return transaction;
}

}  // namespace scoutlight::cli

#include "cli/transaction_document.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"

namespace scoutlight::cli {
namespace {

// Each as "path: description".
std::vector<std::string> MistakesIn(const std::string& text) {
  const absl::StatusOr<Transaction> transaction = ParseTransaction(text);
  std::vector<std::string> mistakes;
  if (transaction.ok()) return mistakes;
  const std::optional<ErrorDetails> details = DetailsOf(transaction.status());
  for (const FieldViolation& mistake : details->violations)
    mistakes.push_back(mistake.field + ": " + mistake.description);
  return mistakes;
}

TEST(TransactionDocumentTest, EveryKindOfConditionIsRead) {
  const absl::StatusOr<Transaction> read = ParseTransaction(R"({"conditions": [
      {"key": "/a", "exists": false}, {"key": "/b", "scope": "subtree", "exists": true}, {"key": "/c", "value": "x", "is": "not_equal"},
      {"key": "/d", "value": "/wE=", "encoding": "base64"}, {"key": "/e", "mod_revision": 17, "is": "less"},
      {"key": "/f", "version": "3", "is": "greater"}, {"key": "/g", "lease_id": "7407814432059985318"},
      {"key": "/h", "create_revision": 0}]})");
  ASSERT_TRUE(read.ok()) << read.status();
  const std::vector<Condition>& conditions = read->conditions;
  ASSERT_EQ(conditions.size(), 8u);
  EXPECT_FALSE(std::get<Condition::Existence>(conditions[0].what).exists);
  EXPECT_EQ(conditions[1].scope, Scope::kSubtree);
  EXPECT_TRUE(std::get<Condition::Existence>(conditions[1].what).exists);
  EXPECT_EQ(std::get<Condition::ValueIs>(conditions[2].what).comparison, Condition::Comparison::kNotEqual);
  EXPECT_EQ(std::get<Condition::ValueIs>(conditions[2].what).than, TextValue("x"));
  EXPECT_EQ(std::get<Condition::ValueIs>(conditions[3].what).than, DataValue("\xff\x01"));
  EXPECT_EQ(std::get<Condition::NumberIs>(conditions[4].what).number, Condition::Number::kModRevision);
  EXPECT_EQ(std::get<Condition::NumberIs>(conditions[4].what).comparison, Condition::Comparison::kLess);
  EXPECT_EQ(std::get<Condition::NumberIs>(conditions[4].what).than, 17);
  EXPECT_EQ(std::get<Condition::NumberIs>(conditions[5].what).number, Condition::Number::kVersion);
  EXPECT_EQ(std::get<Condition::NumberIs>(conditions[5].what).comparison, Condition::Comparison::kGreater);
  EXPECT_EQ(std::get<Condition::NumberIs>(conditions[6].what).number, Condition::Number::kLease);
  EXPECT_EQ(std::get<Condition::NumberIs>(conditions[6].what).than, 7'407'814'432'059'985'318);
  EXPECT_EQ(std::get<Condition::NumberIs>(conditions[7].what).number, Condition::Number::kCreateRevision);
}

TEST(TransactionDocumentTest, EveryKindOfOperationIsRead) {
  const absl::StatusOr<Transaction> read = ParseTransaction(R"({
      "on_success": [{"put": {"key": "/a", "value": "x", "lease_id": 7, "if_absent": true, "expected_mod_revision": 3,
                              "return_previous": true}},
                     {"delete": {"key": "/b", "scope": "children", "expected_mod_revision": 0, "return_previous": true}}],
      "on_failure": [{"get": {"key": "/c"}}, {"list": {"parent": "/d", "scope": "subtree", "keys_only": true, "limit": 10}}]})");
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->on_success.size(), 2u);
  const auto& put = std::get<Operation::Put>(read->on_success[0].what);
  EXPECT_EQ(put.key, "/a");
  EXPECT_EQ(put.value, TextValue("x"));
  EXPECT_EQ(put.lease_id, 7);
  EXPECT_TRUE(put.if_absent);
  EXPECT_EQ(put.expected_mod_revision, 3);
  EXPECT_TRUE(put.return_previous);
  const auto& remove = std::get<Operation::Delete>(read->on_success[1].what);
  EXPECT_EQ(remove.key, "/b");
  EXPECT_EQ(remove.scope, Scope::kChildren);
  EXPECT_EQ(remove.expected_mod_revision, 0);
  EXPECT_TRUE(remove.return_previous);
  ASSERT_EQ(read->on_failure.size(), 2u);
  EXPECT_EQ(std::get<Operation::Get>(read->on_failure[0].what).key, "/c");
  const auto& list = std::get<Operation::List>(read->on_failure[1].what);
  EXPECT_EQ(list.parent, "/d");
  EXPECT_EQ(list.scope, Scope::kSubtree);
  EXPECT_TRUE(list.keys_only);
  EXPECT_EQ(list.limit, 10);
}

TEST(TransactionDocumentTest, WhatIsMissingHasItsDefault) {
  EXPECT_TRUE(ParseTransaction("{}")->on_success.empty());
  const absl::StatusOr<Transaction> read =
      ParseTransaction(R"({"on_success": [{"put": {"key": "/a", "value": ""}}, {"delete": {"key": "/b"}}, {"list": {"parent": "/"}}]})");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(std::get<Operation::Put>(read->on_success[0].what).expected_mod_revision, std::nullopt);
  EXPECT_EQ(std::get<Operation::Delete>(read->on_success[1].what).scope, Scope::kKey);
  EXPECT_EQ(std::get<Operation::List>(read->on_success[2].what).scope, Scope::kChildren);
}

TEST(TransactionDocumentTest, EveryMistakeIsNamedAtOnce) {
  using Mistakes = std::vector<std::string>;
  EXPECT_EQ(MistakesIn("{")[0].substr(0, 12), "transaction:");
  EXPECT_EQ(MistakesIn(R"({"if": []})"), (Mistakes{"if: is not known"}));
  EXPECT_EQ(MistakesIn(R"({"conditions": {}, "on_success": [{}, {"get": {"key": "/a"}, "put": {"key": "/a", "value": ""}}]})"),
            (Mistakes{"conditions: must be a list", "on_success[0]: must have one of put, delete, get, list",
                      "on_success[1]: must have one of put, delete, get, list"}));
  EXPECT_EQ(MistakesIn(R"({"conditions": [{"key": "/a"}, {"exists": true}, {"key": "/a", "version": 1, "is": "most"}]})"),
            (Mistakes{"conditions[0]: must have one of exists, value, version, create_revision, mod_revision, lease_id",
                      "conditions[1].key: is missing", "conditions[2].is: must be one of equal, not_equal, less, greater, is \"most\""}));
  EXPECT_EQ(MistakesIn(R"({"on_failure": [{"put": {"key": "/a", "value": "?", "encoding": "base64", "lease_id": "x"}},
                                          {"list": {"parent": "/", "limit": -1, "order": "key"}}]})"),
            (Mistakes{"on_failure[0].put.value: is no base64", "on_failure[0].put.lease_id: must be a number, is \"x\"",
                      "on_failure[1].list.limit: must be from 0 to 2147483647, is -1", "on_failure[1].list.order: is not known"}));
}

}  // namespace
}  // namespace scoutlight::cli

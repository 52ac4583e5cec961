#include "storage/check_transaction.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "gtest/gtest.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

Traits TestTraits() {
  Traits traits;
  traits.operations_max = limits::kOperationsMax;
  traits.changes_max = limits::kChangesMax;
  traits.bytes_max = limits::kTransactionBytesMax;
  return traits;
}

// Both branches are checked alike: `operations` as one and as the other.
std::vector<Transaction> AsEitherBranch(const std::vector<Operation>& operations) {
  Transaction success;
  success.on_success = operations;
  Transaction failure;
  failure.on_failure = operations;
  return {success, failure};
}

template <typename T, typename Change>
T Changed(T thing, Change change) {
  change(&thing);
  return thing;
}

std::vector<Operation> PutsOf(int count) {
  std::vector<Operation> puts;
  for (int i = 0; i < count; ++i) puts.push_back(PutOf(K(absl::StrCat("/k/", i)), "v"));
  return puts;
}

TEST(CheckTransaction, SoundOnesPass) {
  const std::vector<std::vector<Operation>> sound = {
      {},
      PutsOf(limits::kOperationsMax),
      {Changed(PutOf(K("/a"), ""), [](PutOperation* put) { put->value.bytes.assign(limits::kValueBytesMax, 'v'); })},
      {PutOf(K("/a"), "1"), PutOf(K("/a/b"), "2"), PutOf(K("/a!"), "3")},
      {PutOf(K("/a"), "1"), GetOperation{K("/a")}, GetOperation{K("/a")}, ListOf(Key(), Scope::kSubtree)},
      {DeleteOf(K("/a"), Scope::kSubtree), DeleteOf(K("/a/b")), DeleteOf(K("/a"), Scope::kChildren), DeleteOf(K("/a"))},
      {DeleteOf(K("/a"), Scope::kSubtree), PutOf(K("/aA"), "sibling"), PutOf(K("/a."), "sibling")},
      {DeleteOf(K("/a"), Scope::kChildren), PutOf(K("/a"), "parent"), PutOf(K("/a/b/c"), "grandchild")},
      {DeleteOf(K("/a")), PutOf(K("/a/b"), "below")},
      {Changed(PutOf(K("/a"), "1"),
               [](PutOperation* put) {
                 put->if_absent = true;
                 put->expected_mod_revision = 0;
               })},
      {Changed(DeleteOf(K("/a")), [](DeleteOperation* erase) { erase->expected_mod_revision = 7; })},
  };
  for (const std::vector<Operation>& operations : sound) {
    for (const Transaction& transaction : AsEitherBranch(operations)) {
      EXPECT_TRUE(CheckTransaction(transaction, TestTraits()).ok()) << CheckTransaction(transaction, TestTraits());
    }
  }
}

TEST(CheckTransaction, ConditionsOnEitherSideOfTheRules) {
  Transaction sound;
  sound.conditions = {ExistsIs(K("/a"), true), ExistsIs(K("/a"), false, Scope::kSubtree), ExistsIs(K("/a"), false, Scope::kChildren),
                      NumberIs(K("/a"), Condition::Target::kLeaseId, Condition::Comparison::kLess, -5),
                      ValueIs(K("/a"), Condition::Comparison::kGreater, Data(std::string(limits::kValueBytesMax, 'v')))};
  EXPECT_TRUE(CheckTransaction(sound, TestTraits()).ok()) << CheckTransaction(sound, TestTraits());
  sound.conditions.assign(limits::kConditionsMax, ExistsIs(K("/a"), true));
  EXPECT_TRUE(CheckTransaction(sound, TestTraits()).ok());

  Condition ranged_number = NumberIs(K("/a"), Condition::Target::kVersion, Condition::Comparison::kEqual, 0);
  ranged_number.scope = Scope::kSubtree;
  Condition ranged_value = ValueIs(K("/a"), Condition::Comparison::kEqual, Text("x"));
  ranged_value.scope = Scope::kChildren;
  const struct {
    Condition condition;
    Reason reason;
    const char* field;
  } cases[] = {
      {ExistsIs(Key(), false), Reason::kInvalidKey, "conditions[1].key"},
      {ExistsIs(K("/a"), true, Scope::kSubtree), Reason::kInvalidField, "conditions[1].scope"},
      {ExistsIs(K("/a"), true, Scope::kChildren), Reason::kInvalidField, "conditions[1].scope"},
      {ranged_number, Reason::kInvalidField, "conditions[1].scope"},
      {ranged_value, Reason::kInvalidField, "conditions[1].scope"},
      {ValueIs(K("/a"), Condition::Comparison::kEqual, Text(std::string(limits::kValueBytesMax + 1, 'v'))), Reason::kValueTooLarge,
       "conditions[1].value"},
  };
  for (const auto& c : cases) {
    Transaction transaction;
    transaction.conditions = {ExistsIs(K("/fine"), true), c.condition};
    const absl::Status status = CheckTransaction(transaction, TestTraits());
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.field;
    EXPECT_EQ(ReasonOf(status), c.reason) << status;
    ASSERT_EQ(DetailsOf(status)->violations.size(), 1u) << status;
    EXPECT_EQ(DetailsOf(status)->violations[0].field, c.field);
  }
}

TEST(CheckTransaction, WrongOperationsAreNamedByTheirFields) {
  const struct {
    std::vector<Operation> operations;
    Reason reason;
    const char* field;  // Behind the branch.
  } cases[] = {
      {{GetOperation{K("/x")}, PutOf(Key(), "v")}, Reason::kInvalidKey, "[1].put.key"},
      {{DeleteOf(Key(), Scope::kSubtree)}, Reason::kInvalidKey, "[0].delete.key"},
      {{DeleteOf(Key(), Scope::kChildren)}, Reason::kInvalidKey, "[0].delete.key"},
      {{GetOperation{Key()}}, Reason::kInvalidKey, "[0].get.key"},
      {{PutOf(K("/a"), std::string(limits::kValueBytesMax + 1, 'v'))}, Reason::kValueTooLarge, "[0].put.value"},
      {{PutOf(K("/a"), "v", -1)}, Reason::kInvalidField, "[0].put.lease_id"},
      {{Changed(PutOf(K("/a"), "v"), [](PutOperation* put) { put->expected_mod_revision = -1; })},
       Reason::kInvalidField,
       "[0].put.expected_mod_revision"},
      {{Changed(PutOf(K("/a"), "v"),
                [](PutOperation* put) {
                  put->if_absent = true;
                  put->expected_mod_revision = 3;
                })},
       Reason::kInvalidField,
       "[0].put.expected_mod_revision"},
      {{Changed(DeleteOf(K("/a")), [](DeleteOperation* erase) { erase->expected_mod_revision = -1; })},
       Reason::kInvalidField,
       "[0].delete.expected_mod_revision"},
      {{Changed(DeleteOf(K("/a"), Scope::kSubtree), [](DeleteOperation* erase) { erase->expected_mod_revision = 3; })},
       Reason::kInvalidField,
       "[0].delete.expected_mod_revision"},
      {{PutOf(K("/a"), "1"), PutOf(K("/b"), "2"), PutOf(K("/a"), "3")}, Reason::kDuplicateKey, "[2].put.key"},
      {{PutOf(K("/a"), "1"), DeleteOf(K("/a"))}, Reason::kDuplicateKey, "[0].put.key"},
      {{DeleteOf(K("/a")), PutOf(K("/a"), "1")}, Reason::kDuplicateKey, "[1].put.key"},
      {{DeleteOf(K("/a"), Scope::kSubtree), PutOf(K("/a"), "itself")}, Reason::kDuplicateKey, "[1].put.key"},
      {{DeleteOf(K("/a"), Scope::kSubtree), PutOf(K("/a/b/c"), "below")}, Reason::kDuplicateKey, "[1].put.key"},
      {{DeleteOf(K("/a"), Scope::kChildren), PutOf(K("/a/b"), "child")}, Reason::kDuplicateKey, "[1].put.key"},
      {PutsOf(limits::kOperationsMax + 1), Reason::kTransactionTooLarge, ""},
  };
  for (const auto& c : cases) {
    for (const Transaction& transaction : AsEitherBranch(c.operations)) {
      const std::string field = absl::StrCat(transaction.on_success.empty() ? "on_failure" : "on_success", c.field);
      const absl::Status status = CheckTransaction(transaction, TestTraits());
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field;
      EXPECT_EQ(ReasonOf(status), c.reason) << status;
      ASSERT_TRUE(DetailsOf(status).has_value()) << field;
      ASSERT_EQ(DetailsOf(status)->violations.size(), 1u) << status;
      EXPECT_EQ(DetailsOf(status)->violations[0].field, field);
    }
  }
}

TEST(CheckTransaction, AListReadsFromOneToTenThousandEntries) {
  for (const auto& [bound, ok] :
       {std::pair{-1, false}, {0, false}, {1, true}, {limits::kPageEntriesMax, true}, {limits::kPageEntriesMax + 1, false}}) {
    ListOperation list = ListOf(K("/a"), Scope::kChildren);
    list.entries_max = bound;
    EXPECT_EQ(CheckTransaction(TransactionOf({list}), TestTraits()).ok(), ok) << bound;
  }
}

TEST(CheckTransaction, TooManyConditionsAreRefused) {
  Transaction transaction;
  transaction.conditions.assign(limits::kConditionsMax + 1, ExistsIs(K("/a"), true));
  const absl::Status status = CheckTransaction(transaction, TestTraits());
  EXPECT_EQ(ReasonOf(status), Reason::kTransactionTooLarge);
  EXPECT_EQ(DetailsOf(status)->violations[0].field, "conditions");
}

TEST(CheckTransaction, TheBackendsOwnBoundOfOperationsHolds) {
  Traits traits = TestTraits();
  traits.operations_max = 3;
  EXPECT_TRUE(CheckTransaction(TransactionOf(PutsOf(3)), traits).ok());
  EXPECT_EQ(ReasonOf(CheckTransaction(TransactionOf(PutsOf(4)), traits)), Reason::kTransactionTooLarge);
}

TEST(CheckTransaction, RequestIdsAreAtMostSoLong) {
  Transaction transaction = TransactionOf({PutOf(K("/a"), "v")});
  transaction.origin.request_id.assign(limits::kRequestIdBytesMax, 'i');
  EXPECT_TRUE(CheckTransaction(transaction, TestTraits()).ok());
  transaction.origin.request_id += 'i';
  const absl::Status status = CheckTransaction(transaction, TestTraits());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailsOf(status)->violations[0].field, "request_id");
}

TEST(CheckTransaction, EveryWrongFieldIsNamed) {
  Transaction transaction;
  transaction.conditions = {ExistsIs(Key(), true)};
  transaction.on_success = {PutOf(Key(), "v", -1), PutOf(K("/a"), "1"), PutOf(K("/a"), "2")};
  transaction.on_failure = {GetOperation{Key()}};
  std::vector<std::string> fields;
  const absl::Status status = CheckTransaction(transaction, TestTraits());
  const std::optional<ErrorDetails> details = DetailsOf(status);
  ASSERT_TRUE(details.has_value());
  for (const FieldViolation& violation : details->violations) fields.push_back(violation.field);
  EXPECT_EQ(fields, (std::vector<std::string>{"conditions[0].key", "on_success[0].put.key", "on_success[0].put.lease_id",
                                              "on_success[2].put.key", "on_failure[0].get.key"}));
}

}  // namespace
}  // namespace scoutlight::storage

// Cases on transactions: conditions, branches, own writes, all or nothing.

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/conformance.h"

namespace scoutlight::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Target = Condition::Target;
using Comparison = Condition::Comparison;

constexpr Comparison kComparisons[] = {Comparison::kEqual, Comparison::kNotEqual, Comparison::kLess, Comparison::kGreater};

template <typename T>
bool Compare(const T& actual, Comparison comparison, const T& given) {
  switch (comparison) {
    case Comparison::kEqual:
      return actual == given;
    case Comparison::kNotEqual:
      return actual != given;
    case Comparison::kLess:
      return actual < given;
    case Comparison::kGreater:
      return actual > given;
  }
  return false;
}

bool Holds(const SyncStore& store, const Condition& condition) {
  Transaction transaction;
  transaction.conditions = {condition};
  transaction.on_success = {GetOperation{condition.key}};
  transaction.on_failure = {GetOperation{condition.key}};
  const CommitResult result = store.Commit(transaction);
  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_FALSE(result.changed);
  return result.succeeded;
}

TEST_P(StoreConformance, ConditionsChooseTheBranch) {
  sync_->Put(At("/a"), "1");
  Transaction transaction;
  transaction.conditions = {ExistsIs(At("/a"), true), ExistsIs(At("/b"), false)};
  transaction.on_success = {PutOf(At("/b"), "yes")};
  transaction.on_failure = {PutOf(At("/c"), "no"), GetOperation{At("/b")}};
  const CommitResult first = sync_->Commit(transaction);
  ASSERT_TRUE(first.status.ok()) << first.status;
  EXPECT_TRUE(first.succeeded);
  EXPECT_EQ(first.results.size(), 1u);
  const CommitResult second = sync_->Commit(transaction);
  ASSERT_TRUE(second.status.ok()) << second.status;
  EXPECT_FALSE(second.succeeded) << "all conditions must hold";
  EXPECT_TRUE(second.changed);
  ASSERT_EQ(second.results.size(), 2u);
  ASSERT_EQ(second.results[1].entries.size(), 1u);
  EXPECT_EQ(second.results[1].entries[0].value, Text("yes"));
  EXPECT_THAT(ListNames("", Scope::kSubtree), ElementsAre("/a", "/b", "/c"));
}

TEST_P(StoreConformance, NumbersCompareInEveryWay) {
  const LeaseResult lease = sync_->Grant(store().traits().ttl_max);
  ASSERT_TRUE(lease.status.ok()) << lease.status;
  sync_->Put(At("/a"), "1", lease.lease.id);
  sync_->Put(At("/a"), "2", lease.lease.id);
  const std::optional<Entry> entry = sync_->Get(At("/a"));
  ASSERT_TRUE(entry.has_value());
  const struct {
    Target target;
    int64_t there;
  } targets[] = {{Target::kVersion, entry->version},
                 {Target::kCreateRevision, entry->create_revision},
                 {Target::kModRevision, entry->mod_revision},
                 {Target::kLeaseId, entry->lease_id}};
  for (const auto& [target, there] : targets) {
    EXPECT_GT(there, 0);
    for (const Comparison comparison : kComparisons) {
      for (const int64_t given : {int64_t{0}, there - 1, there, there + 1}) {
        EXPECT_EQ(Holds(*sync_, NumberIs(At("/a"), target, comparison, given)), Compare(there, comparison, given))
            << static_cast<int>(target) << " " << static_cast<int>(comparison) << " " << given << " of " << there;
      }
      for (const int64_t given : {-1, 0, 1}) {
        EXPECT_EQ(Holds(*sync_, NumberIs(At("/missing"), target, comparison, given)), Compare(int64_t{0}, comparison, given))
            << "a missing key has 0: " << static_cast<int>(target) << " " << static_cast<int>(comparison) << " " << given;
      }
    }
  }
}

TEST_P(StoreConformance, ValuesCompareByBytesWhateverTheirForm) {
  sync_->Put(At("/a"), "m\x7F");
  const std::vector<std::string> others = {"", "m", "m\x7F", "m\x7F\x01", "m\xC3\xA9", "n", "M"};
  for (const std::string& other : others) {
    for (const Comparison comparison : kComparisons) {
      for (const Value& value : {Text(other), Data(other)}) {
        EXPECT_EQ(Holds(*sync_, ValueIs(At("/a"), comparison, value)), Compare(std::string("m\x7F"), comparison, other)) << other;
      }
    }
  }
}

TEST_P(StoreConformance, TheValueOfAMissingKeyComparesToNothing) {
  sync_->Put(At("/branch/x"), "v");
  for (const char* path : {"/missing", "/branch"}) {
    for (const Comparison comparison : kComparisons) {
      EXPECT_FALSE(Holds(*sync_, ValueIs(At(path), comparison, Text("")))) << path;
      EXPECT_FALSE(Holds(*sync_, ValueIs(At(path), comparison, Text("x")))) << path;
    }
  }
}

TEST_P(StoreConformance, ExistenceIsThatOfTheEntryNotOfABranch) {
  sync_->Put(At("/a/b"), "v");
  EXPECT_TRUE(Holds(*sync_, ExistsIs(At("/a/b"), true)));
  EXPECT_FALSE(Holds(*sync_, ExistsIs(At("/a/b"), false)));
  EXPECT_FALSE(Holds(*sync_, ExistsIs(At("/a"), true)));
  EXPECT_TRUE(Holds(*sync_, ExistsIs(At("/a"), false)));
}

TEST_P(StoreConformance, AScopeConditionAsksForAnEmptyRange) {
  for (const char* path : {"/only/deep/below", "/self", "/parent/child"}) sync_->Put(At(path), "v");
  const struct {
    const char* path;
    Scope scope;
    bool empty;
  } cases[] = {
      {"/only", Scope::kChildren, true},
      {"/only", Scope::kSubtree, false},
      {"/only/deep", Scope::kChildren, false},
      {"/self", Scope::kChildren, true},
      {"/self", Scope::kSubtree, false},
      {"/parent", Scope::kChildren, false},
      {"/paren", Scope::kSubtree, true},
      {"/parent/child", Scope::kKey, false},
      {"/missing", Scope::kChildren, true},
      {"/missing", Scope::kSubtree, true},
      {"/only/deep/below", Scope::kSubtree, false},
  };
  for (const auto& c : cases) EXPECT_EQ(Holds(*sync_, ExistsIs(At(c.path), false, c.scope)), c.empty) << c.path;
}

TEST_P(StoreConformance, ConditionsSeeTheStateBefore) {
  Transaction transaction;
  transaction.conditions = {ExistsIs(At("/a"), false)};
  transaction.on_success = {PutOf(At("/a"), "1"), GetOperation{At("/a")}};
  const CommitResult result = sync_->Commit(transaction);
  EXPECT_TRUE(result.succeeded);
  EXPECT_EQ(result.results[1].entries.size(), 1u);
}

TEST_P(StoreConformance, OperationsSeeWhatThoseBeforeThemWrote) {
  for (const char* path : {"/d/x", "/d/y/z", "/keep"}) sync_->Put(At(path), "old");
  const CommitResult result =
      sync_->Commit(TransactionOf({GetOperation{At("/new/a")}, PutOf(At("/new/a"), "1"), GetOperation{At("/new/a")},
                                   ListOf(At("/new"), Scope::kChildren), DeleteOf(At("/d"), Scope::kSubtree), GetOperation{At("/d/x")},
                                   ListOf(At(""), Scope::kChildren), PutOf(At("/keep"), "new"), ListOf(At(""), Scope::kSubtree)}));
  ASSERT_TRUE(result.status.ok()) << result.status;
  ASSERT_EQ(result.results.size(), 9u);
  EXPECT_THAT(result.results[0].entries, IsEmpty());
  ASSERT_EQ(result.results[2].entries.size(), 1u);
  EXPECT_EQ(result.results[2].entries[0].value, Text("1"));
  EXPECT_EQ(result.results[2].entries[0].mod_revision, result.revision);
  EXPECT_EQ(result.results[2].entries[0].create_revision, result.revision);
  EXPECT_EQ(result.results[2].entries[0].version, 1);
  EXPECT_THAT(Names(result.results[3].entries), ElementsAre("/new/a"));
  EXPECT_EQ(result.results[4].deleted, 2);
  EXPECT_THAT(result.results[5].entries, IsEmpty());
  EXPECT_THAT(Names(result.results[6].entries), ElementsAre("/keep", "/new"));
  ASSERT_THAT(Names(result.results[8].entries), ElementsAre("/keep", "/new/a"));
  EXPECT_EQ(result.results[8].entries[0].value, Text("new"));
  EXPECT_EQ(result.results[8].entries[0].version, 2);
}

TEST_P(StoreConformance, OverlappingDeletesCountEachEntryOnce) {
  for (const char* path : {"/d", "/d/x", "/d/y"}) sync_->Put(At(path), "v");
  const CommitResult result = sync_->Commit(
      TransactionOf({DeleteOf(At("/d/x")), DeleteOf(At("/d"), Scope::kSubtree), DeleteOf(At("/d"), Scope::kChildren), DeleteOf(At("/d"))}));
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.results[0].deleted, 1);
  EXPECT_EQ(result.results[1].deleted, 2);
  EXPECT_EQ(result.results[2].deleted, 0);
  EXPECT_EQ(result.results[3].deleted, 0);
}

TEST_P(StoreConformance, AFailingOperationUndoesAllAndIsNamedByItsPath) {
  sync_->Put(At("/there"), "v");
  const Revision before = sync_->Latest();
  PutOperation absent = PutOf(At("/there"), "x");
  absent.if_absent = true;
  PutOperation unexpected = PutOf(At("/there"), "x");
  unexpected.expected_mod_revision = before + 1;
  DeleteOperation undeletable = DeleteOf(At("/there"));
  undeletable.expected_mod_revision = 0;
  const struct {
    Operation operation;
    absl::StatusCode code;
    Reason reason;
    const char* path;
  } cases[] = {
      {absent, absl::StatusCode::kAlreadyExists, Reason::kKeyExists, "[1].put"},
      {unexpected, absl::StatusCode::kFailedPrecondition, Reason::kConditionFailed, "[1].put.expected_mod_revision"},
      {undeletable, absl::StatusCode::kFailedPrecondition, Reason::kConditionFailed, "[1].delete.expected_mod_revision"},
      {PutOf(At("/other"), "x", 4711), absl::StatusCode::kFailedPrecondition, Reason::kLeaseNotFound, "[1].put.lease_id"},
  };
  for (const auto& c : cases) {
    for (const bool success : {true, false}) {
      Transaction transaction;
      transaction.conditions = {ExistsIs(At("/there"), success)};
      std::vector<Operation>& branch = success ? transaction.on_success : transaction.on_failure;
      branch.push_back(PutOf(At("/first"), "x"));
      branch.push_back(c.operation);
      branch.push_back(PutOf(At("/last"), "x"));
      const CommitResult result = sync_->Commit(transaction);
      EXPECT_EQ(result.status.code(), c.code) << result.status;
      EXPECT_EQ(ReasonOf(result.status), c.reason);
      EXPECT_EQ(result.revision, before);
      EXPECT_FALSE(result.changed);
      const std::optional<ErrorDetails> details = DetailsOf(result.status);
      ASSERT_TRUE(details.has_value());
      const std::string field = details->violations.empty() ? "" : details->violations[0].field;
      EXPECT_TRUE(absl::StartsWith(field, std::string(success ? "on_success" : "on_failure") + c.path)) << "names " << field;
    }
  }
  EXPECT_THAT(ListNames("", Scope::kSubtree), ElementsAre("/there"));
  EXPECT_EQ(sync_->Latest(), before);
}

TEST_P(StoreConformance, ATransactionThatChangesNothingTakesNoRevision) {
  const Revision before = sync_->Put(At("/a"), "v").revision;
  const CommitResult result =
      sync_->Commit(TransactionOf({GetOperation{At("/a")}, ListOf(At(""), Scope::kSubtree), DeleteOf(At("/missing"), Scope::kSubtree)}));
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_TRUE(result.succeeded);
  EXPECT_FALSE(result.changed);
  EXPECT_EQ(result.revision, before);
  EXPECT_EQ(sync_->Latest(), before);
}

TEST_P(StoreConformance, AListInsideIsCutAtItsBound) {
  for (const char* path : {"/l/a", "/l/b", "/l/c"}) sync_->Put(At(path), "v");
  ListOperation list = ListOf(At("/l"), Scope::kChildren);
  list.keys_only = true;
  for (const int bound : {1, 2, 3, 4}) {
    list.entries_max = bound;
    const CommitResult result = sync_->Commit(TransactionOf({list}));
    ASSERT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.results[0].entries.size(), static_cast<size_t>(std::min(bound, 3)));
    EXPECT_EQ(result.results[0].more, bound < 3) << bound;
    EXPECT_EQ(result.results[0].entries[0].value.bytes, "");
  }
}

TEST_P(StoreConformance, AllWritesOfATransactionShareOneRevisionAndOneBatch) {
  sync_->Put(At("/gone"), "v");
  const CommitResult result =
      sync_->Commit(TransactionOf({PutOf(At("/c"), "3"), PutOf(At("/a"), "1"), DeleteOf(At("/gone")), PutOf(At("/b"), "2")}));
  ASSERT_TRUE(result.status.ok()) << result.status;
  for (const Entry& entry : sync_->List(At(""), Scope::kSubtree)) EXPECT_EQ(entry.mod_revision, result.revision);
  const HistoryPage history = sync_->History(result.revision, result.revision, {At(""), Scope::kSubtree}, 1 << 20);
  ASSERT_TRUE(history.status.ok()) << history.status;
  ASSERT_EQ(history.batches.size(), 1u);
  const std::vector<Event>& events = history.batches[0]->events;
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].key, At("/a"));
  EXPECT_EQ(events[1].key, At("/b"));
  EXPECT_EQ(events[2].key, At("/c"));
  EXPECT_EQ(events[3].key, At("/gone"));
  EXPECT_EQ(events[3].kind, EventKind::kDelete);
  EXPECT_EQ(events[3].entry.mod_revision, result.revision);
}

// What CheckTransaction lets through and the state decides.
TEST_P(StoreConformance, AtMostSoManyKeysChange) {
  const Traits traits = store().traits();
  const int all = traits.changes_max + 1;
  for (int made = 0; made < all;) {
    Transaction puts;
    for (; made < all && puts.on_success.size() < static_cast<size_t>(traits.operations_max); ++made) {
      puts.on_success.push_back(PutOf(At("/many/" + std::to_string(made)), "v"));
    }
    ASSERT_TRUE(sync_->Commit(puts).status.ok());
  }
  const Revision before = sync_->Latest();
  const CommitResult refused = sync_->Delete(At("/many"), Scope::kSubtree);
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kInvalidArgument) << refused.status;
  EXPECT_EQ(ReasonOf(refused.status), Reason::kTransactionTooLarge);
  EXPECT_EQ(sync_->Latest(), before);
  ASSERT_TRUE(sync_->Delete(At("/many/0")).status.ok());
  const CommitResult taken = sync_->Delete(At("/many"), Scope::kSubtree);
  ASSERT_TRUE(taken.status.ok()) << taken.status;
  EXPECT_EQ(taken.results[0].deleted, traits.changes_max);
}

TEST_P(StoreConformance, AtMostSoManyBytesChange) {
  // Puts of a third, the next ones over them of two thirds and more: new and previous entries count.
  const size_t third = store().traits().bytes_max / 3;
  const size_t value_bytes = std::min<size_t>(third / 4, 900'000);
  const std::string value(value_bytes, 'v');
  Transaction puts;
  for (size_t bytes = 0; bytes + value_bytes + 512 < third; bytes += value_bytes + 512) {
    puts.on_success.push_back(PutOf(At("/big/" + std::to_string(bytes)), value));
  }
  ASSERT_TRUE(sync_->Commit(puts).status.ok()) << "new entries alone";
  ASSERT_TRUE(sync_->Commit(puts).status.ok()) << "new over previous ones";
  const size_t first = puts.on_success.size();
  for (size_t i = 0; i < first; ++i) puts.on_success.push_back(PutOf(At("/more/" + std::to_string(i)), value));
  for (size_t i = 0; i < 2; ++i) puts.on_success.push_back(PutOf(At("/rest/" + std::to_string(i)), value));
  const Revision before = sync_->Latest();
  const CommitResult refused = sync_->Commit(puts);
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kInvalidArgument) << refused.status;
  EXPECT_EQ(ReasonOf(refused.status), Reason::kTransactionTooLarge);
  EXPECT_EQ(sync_->Latest(), before);
}

TEST_P(StoreConformance, AnAnswerTooLargeIsRefusedBeforeAnythingIsDone) {
  const std::string value(900'000, 'v');
  Transaction transaction;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(sync_->Put(At("/big/" + std::to_string(i)), value).status.ok());
    transaction.on_success.push_back(GetOperation{At("/big/" + std::to_string(i))});
  }
  transaction.on_success.push_back(PutOf(At("/a"), "v"));
  const Revision before = sync_->Latest();
  const CommitResult refused = sync_->Commit(transaction);
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kInvalidArgument) << refused.status;
  EXPECT_EQ(ReasonOf(refused.status), Reason::kAnswerTooLarge);
  EXPECT_EQ(sync_->Latest(), before);
  transaction.on_success.erase(transaction.on_success.begin(), transaction.on_success.begin() + 2);
  const CommitResult taken = sync_->Commit(transaction);
  EXPECT_TRUE(taken.status.ok()) << taken.status;
  EXPECT_TRUE(taken.changed);
}

}  // namespace
}  // namespace scoutlight::storage

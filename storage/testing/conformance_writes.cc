// Cases on single puts and deletes, and the behaviour of the older library's registry.

#include <string>
#include <vector>

#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/conformance.h"

namespace scoutlight::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(StoreConformance, MissingKeyIsAnEmptyPageWithARevision) {
  const Page page = sync_->Read(QueryOf(At("/missing"), Scope::kKey));
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_THAT(page.entries, IsEmpty());
  EXPECT_FALSE(page.more);
  EXPECT_GE(page.revision, 1);
  EXPECT_GE(page.oldest_revision, 1);
  EXPECT_LE(page.oldest_revision, page.revision);
}

TEST_P(StoreConformance, PutMakesAnEntryWithItsNumbers) {
  const Revision before = sync_->Latest();
  const CommitResult put = sync_->Put(At("/a"), "one");
  ASSERT_TRUE(put.status.ok()) << put.status;
  EXPECT_GT(put.revision, before);
  if (store().traits().contiguous_revisions) {
    EXPECT_EQ(put.revision, before + 1);
  }
  EXPECT_TRUE(put.changed);
  EXPECT_TRUE(put.succeeded);
  EXPECT_FALSE(put.replayed);
  ASSERT_EQ(put.results.size(), 1u);
  EXPECT_EQ(put.results[0].create_revision, put.revision);
  EXPECT_EQ(put.results[0].version, 1);
  EXPECT_THAT(put.results[0].entries, IsEmpty());

  Entry expected;
  expected.key = At("/a");
  expected.value = Text("one");
  expected.create_revision = expected.mod_revision = put.revision;
  expected.version = 1;
  expected.has_value = true;
  EXPECT_EQ(sync_->Get(At("/a")), expected);
}

TEST_P(StoreConformance, PutAgainRaisesVersionAndKeepsTheCreateRevision) {
  const CommitResult first = sync_->Put(At("/a"), "one");
  const CommitResult second = sync_->Put(At("/a"), "one");
  ASSERT_TRUE(second.status.ok()) << second.status;
  EXPECT_TRUE(second.changed) << "an equal value is a put all the same";
  EXPECT_GT(second.revision, first.revision);
  EXPECT_EQ(second.results[0].create_revision, first.revision);
  EXPECT_EQ(second.results[0].version, 2);
  const std::optional<Entry> entry = sync_->Get(At("/a"));
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->create_revision, first.revision);
  EXPECT_EQ(entry->mod_revision, second.revision);
  EXPECT_EQ(entry->version, 2);
}

TEST_P(StoreConformance, PutAfterDeleteStartsOver) {
  sync_->Put(At("/a"), "one");
  sync_->Put(At("/a"), "two");
  sync_->Delete(At("/a"));
  const CommitResult put = sync_->Put(At("/a"), "three");
  EXPECT_EQ(put.results[0].version, 1);
  EXPECT_EQ(put.results[0].create_revision, put.revision);
}

TEST_P(StoreConformance, TextAndDataComeBackInTheFormTheyWereWritten) {
  PutOperation put = PutOf(At("/a"), "");
  for (const Value& value : {Text("same"), Data("same"), Data(std::string("\0\xFF\0", 3)), Text(""), Data(""), Text("caf\xC3\xA9")}) {
    put.value = value;
    ASSERT_TRUE(sync_->Commit(TransactionOf({put})).status.ok());
    const std::optional<Entry> entry = sync_->Get(At("/a"));
    ASSERT_TRUE(entry.has_value());
    EXPECT_TRUE(entry->has_value);
    EXPECT_EQ(entry->value, value);
  }
}

TEST_P(StoreConformance, IfAbsentLosesToWhatIsThere) {
  PutOperation put = PutOf(At("/a"), "mine");
  put.if_absent = true;
  const CommitResult first = sync_->Commit(TransactionOf({put}));
  ASSERT_TRUE(first.status.ok()) << first.status;
  put.value = Text("other");
  const CommitResult second = sync_->Commit(TransactionOf({put}));
  EXPECT_EQ(second.status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(second.status), Reason::kKeyExists);
  EXPECT_EQ(second.revision, first.revision) << "errors carry the revision of the state they show";
  EXPECT_FALSE(second.changed);
  EXPECT_EQ(sync_->Get(At("/a"))->value, Text("mine"));
  EXPECT_EQ(sync_->Latest(), first.revision);
}

TEST_P(StoreConformance, ExpectedModRevisionOfAPutMustBeTheKeys) {
  const Revision r1 = sync_->Put(At("/a"), "1").revision;
  const Revision r2 = sync_->Put(At("/a"), "2").revision;
  const struct {
    const char* path;
    Revision expected;
    bool ok;
  } cases[] = {{"/a", r1, false}, {"/a", 0, false}, {"/a", r2 + 1, false}, {"/b", r2, false}, {"/a", r2, true}, {"/b", 0, true}};
  for (const auto& c : cases) {
    const Revision before = sync_->Latest();
    PutOperation put = PutOf(At(c.path), "new");
    put.expected_mod_revision = c.expected;
    const CommitResult result = sync_->Commit(TransactionOf({put}));
    if (c.ok) {
      EXPECT_TRUE(result.status.ok()) << result.status;
      EXPECT_GT(result.revision, before);
    } else {
      EXPECT_EQ(result.status.code(), absl::StatusCode::kFailedPrecondition) << c.path << " " << c.expected;
      EXPECT_EQ(ReasonOf(result.status), Reason::kConditionFailed);
      EXPECT_EQ(result.revision, before);
      EXPECT_EQ(sync_->Latest(), before);
    }
  }
}

TEST_P(StoreConformance, PutReturnsThePreviousEntryWhenAsked) {
  PutOperation put = PutOf(At("/a"), "1");
  put.return_previous = true;
  EXPECT_THAT(sync_->Commit(TransactionOf({put})).results[0].entries, IsEmpty());
  const std::optional<Entry> before = sync_->Get(At("/a"));
  put.value = Text("2");
  const CommitResult second = sync_->Commit(TransactionOf({put}));
  ASSERT_TRUE(before.has_value());
  EXPECT_THAT(second.results[0].entries, ElementsAre(*before));
}

TEST_P(StoreConformance, DeleteOfAKeyLeavesWhatIsBelowIt) {
  sync_->Put(At("/a"), "1");
  sync_->Put(At("/a/b"), "2");
  const std::optional<Entry> before = sync_->Get(At("/a"));
  DeleteOperation operation = DeleteOf(At("/a"));
  operation.return_previous = true;
  const CommitResult result = sync_->Commit(TransactionOf({operation}));
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_TRUE(result.changed);
  EXPECT_EQ(result.results[0].deleted, 1);
  ASSERT_EQ(result.results[0].entries.size(), 1u);
  EXPECT_EQ(result.results[0].entries[0].key, At("/a"));
  EXPECT_EQ(result.results[0].entries[0].value, before->value);
  EXPECT_EQ(result.results[0].entries[0].mod_revision, before->mod_revision);
  EXPECT_EQ(sync_->Get(At("/a")), std::nullopt);
  EXPECT_THAT(ListNames("", Scope::kSubtree), ElementsAre("/a/b"));
}

TEST_P(StoreConformance, DeleteOfChildrenTakesTheirEntriesAlone) {
  for (const char* path : {"/p", "/p/a", "/p/a/x", "/p/b", "/p/branch/x", "/pA"}) sync_->Put(At(path), "v");
  DeleteOperation operation = DeleteOf(At("/p"), Scope::kChildren);
  operation.return_previous = true;
  const CommitResult result = sync_->Commit(TransactionOf({operation}));
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.results[0].deleted, 2);
  EXPECT_THAT(Names(result.results[0].entries), ElementsAre("/p/a", "/p/b"));
  EXPECT_THAT(ListNames("", Scope::kSubtree), ElementsAre("/p", "/p/a/x", "/p/branch/x", "/pA"));
}

TEST_P(StoreConformance, DeleteOfASubtreeTakesTheKeyAndAllBelowAtOneRevision) {
  for (const char* path : {"/p/b", "/p", "/p/a/x", "/p/a", "/pA", "/p.", "/o"}) sync_->Put(At(path), "v");
  DeleteOperation operation = DeleteOf(At("/p"), Scope::kSubtree);
  operation.return_previous = true;
  const Revision before = sync_->Latest();
  const CommitResult result = sync_->Commit(TransactionOf({operation}));
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.results[0].deleted, 4);
  EXPECT_THAT(Names(result.results[0].entries), ElementsAre("/p", "/p/a", "/p/a/x", "/p/b"));
  EXPECT_THAT(ListNames("", Scope::kSubtree), ElementsAre("/o", "/p.", "/pA"));
  EXPECT_GT(result.revision, before);
  if (store().traits().contiguous_revisions) {
    EXPECT_EQ(result.revision, before + 1);
  }
}

TEST_P(StoreConformance, DeleteOfNothingIsNoErrorAndTakesNoRevision) {
  sync_->Put(At("/a/b"), "v");
  const Revision before = sync_->Latest();
  for (const DeleteOperation& operation :
       {DeleteOf(At("/a")), DeleteOf(At("/missing"), Scope::kSubtree), DeleteOf(At("/a/b"), Scope::kChildren)}) {
    const CommitResult result = sync_->Commit(TransactionOf({operation}));
    ASSERT_TRUE(result.status.ok()) << result.status;
    EXPECT_FALSE(result.changed);
    EXPECT_EQ(result.results[0].deleted, 0);
    EXPECT_EQ(result.revision, before);
  }
  EXPECT_EQ(sync_->Latest(), before);
}

TEST_P(StoreConformance, ExpectedModRevisionOfADeleteMustBeTheKeys) {
  const Revision r1 = sync_->Put(At("/a"), "1").revision;
  const struct {
    const char* path;
    Revision expected;
    bool ok;
    int64_t deleted;
  } cases[] = {{"/a", r1 - 1, false, 0}, {"/a", 0, false, 0}, {"/b", r1, false, 0}, {"/b", 0, true, 0}, {"/a", r1, true, 1}};
  for (const auto& c : cases) {
    DeleteOperation operation = DeleteOf(At(c.path));
    operation.expected_mod_revision = c.expected;
    const CommitResult result = sync_->Commit(TransactionOf({operation}));
    if (c.ok) {
      ASSERT_TRUE(result.status.ok()) << result.status;
      EXPECT_EQ(result.results[0].deleted, c.deleted);
    } else {
      EXPECT_EQ(result.status.code(), absl::StatusCode::kFailedPrecondition) << c.path << " " << c.expected;
      EXPECT_EQ(ReasonOf(result.status), Reason::kConditionFailed);
    }
  }
}

// What the older library's registry tests say.

TEST_P(StoreConformance, RegistryGetOfAMissingKeyGivesNothing) { EXPECT_EQ(sync_->Get(At("/parent/child")), std::nullopt); }

TEST_P(StoreConformance, RegistryPutThenGetGivesTheValue) {
  sync_->Put(At("/parent/child"), "value");
  EXPECT_EQ(sync_->Get(At("/parent/child"))->value, Text("value"));
  sync_->Put(At("/parent/child"), "changed");
  EXPECT_EQ(sync_->Get(At("/parent/child"))->value, Text("changed"));
}

TEST_P(StoreConformance, RegistryPutIfAbsentTellsWhetherItPut) {
  Transaction put = TransactionOf({PutOf(At("/key"), "first")});
  put.conditions = {ExistsIs(At("/key"), false)};
  EXPECT_TRUE(sync_->Commit(put).succeeded);
  put.on_success = {PutOf(At("/key"), "second")};
  const CommitResult second = sync_->Commit(put);
  EXPECT_TRUE(second.status.ok());
  EXPECT_FALSE(second.succeeded);
  EXPECT_EQ(sync_->Get(At("/key"))->value, Text("first"));
}

TEST_P(StoreConformance, RegistryPutAllIsAtomic) {
  PutOperation refused = PutOf(At("/c"), "3");
  refused.if_absent = true;
  sync_->Put(At("/c"), "there");
  EXPECT_FALSE(sync_->Commit(TransactionOf({PutOf(At("/a"), "1"), PutOf(At("/b"), "2"), refused})).status.ok());
  EXPECT_THAT(ListNames("", Scope::kSubtree), ElementsAre("/c"));
  const CommitResult all = sync_->Commit(TransactionOf({PutOf(At("/a"), "1"), PutOf(At("/b"), "2"), PutOf(At("/c"), "3")}));
  ASSERT_TRUE(all.status.ok()) << all.status;
  for (const char* path : {"/a", "/b", "/c"}) EXPECT_EQ(sync_->Get(At(path))->mod_revision, all.revision);
}

TEST_P(StoreConformance, RegistryListGivesKeysAndFetchGivesValues) {
  sync_->Put(At("/parent/a"), "1");
  sync_->Put(At("/parent/b"), "2");
  Query query = QueryOf(At("/parent"), Scope::kChildren);
  query.keys_only = true;
  const Page list = sync_->Read(query);
  ASSERT_THAT(Names(list.entries), ElementsAre("/parent/a", "/parent/b"));
  for (const Entry& entry : list.entries) EXPECT_EQ(entry.value.bytes, "");
  query.keys_only = false;
  const Page fetch = sync_->Read(query);
  ASSERT_EQ(fetch.entries.size(), 2u);
  EXPECT_EQ(fetch.entries[0].value, Text("1"));
  EXPECT_EQ(fetch.entries[1].value, Text("2"));
}

TEST_P(StoreConformance, RegistryImmediateChildrenAreNotRecursiveOnes) {
  for (const char* path : {"/parent", "/parent/a", "/parent/a/x", "/parent/b/y"}) sync_->Put(At(path), "v");
  EXPECT_THAT(ListNames("/parent", Scope::kChildren), ElementsAre("/parent/a", "/parent/b"));
  EXPECT_THAT(ListNames("/parent", Scope::kSubtree), ElementsAre("/parent", "/parent/a", "/parent/a/x", "/parent/b/y"));
}

TEST_P(StoreConformance, RegistryChildrenComeInOrderOfCreationWhenAsked) {
  for (const char* path : {"/parent/c", "/parent/a", "/parent/b"}) sync_->Put(At(path), "v");
  sync_->Put(At("/parent/c"), "again");  // Does not make it younger.
  Query query = QueryOf(At("/parent"), Scope::kChildren);
  query.order = Order::kCreation;
  EXPECT_THAT(Names(sync_->Read(query).entries), ElementsAre("/parent/c", "/parent/a", "/parent/b"));
}

TEST_P(StoreConformance, RegistryParentAIsNoChildOfParent) {
  for (const char* path : {"/parent/x", "/parentA", "/parentA/x"}) sync_->Put(At(path), "v");
  EXPECT_THAT(ListNames("/parent", Scope::kChildren), ElementsAre("/parent/x"));
  EXPECT_THAT(ListNames("/parent", Scope::kSubtree), ElementsAre("/parent/x"));
  EXPECT_EQ(sync_->Delete(At("/parent"), Scope::kSubtree).results[0].deleted, 1);
  EXPECT_THAT(ListNames("", Scope::kSubtree), ElementsAre("/parentA", "/parentA/x"));
}

TEST_P(StoreConformance, RegistryListOfAMissingParentIsEmpty) {
  EXPECT_THAT(ListNames("/nowhere", Scope::kChildren), IsEmpty());
  EXPECT_THAT(ListNames("/nowhere", Scope::kSubtree), IsEmpty());
}

}  // namespace
}  // namespace scoutlight::storage

// Put, Get and Delete of the registry, through the wire.
#include <gmock/gmock.h>

#include "tests/e2e/served_test.h"
#include "tests/support/failure.h"

namespace scoutlight::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Entries : public ServedTest {};

TEST_F(Entries, EmptyStoreIsAtRevisionOneAndKeepsItsId) {
  const auto listed = client().List("/");
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(listed->revision(), 1);
  EXPECT_THAT(listed->entries(), IsEmpty());
  EXPECT_NE(listed->store_id(), "");
  KillAndRestart();
  EXPECT_EQ(client().List("/")->store_id(), listed->store_id());
}

TEST_F(Entries, PutMakesThenChangesAnEntry) {
  const auto made = client().Put("/a/b", "one");
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->revision(), 2);
  EXPECT_EQ(made->create_revision(), 2);
  EXPECT_EQ(made->version(), 1);
  EXPECT_FALSE(made->has_previous());
  EXPECT_FALSE(made->replayed());

  wire::PutRequest change;
  change.set_key("/a/b");
  change.set_data(std::string("\0\xff", 2));
  change.set_return_previous(true);
  const auto changed = client().Send(change);
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(changed->revision(), 3);
  EXPECT_EQ(changed->create_revision(), 2);
  EXPECT_EQ(changed->version(), 2);
  EXPECT_EQ(changed->store_id(), made->store_id());
  EXPECT_EQ(changed->previous().key(), "/a/b");
  EXPECT_EQ(changed->previous().text(), "one");
  EXPECT_EQ(changed->previous().version(), 1);

  const auto got = client().Get("/a/b");
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->revision(), 3);
  EXPECT_EQ(got->store_id(), made->store_id());
  const wire::Entry& entry = got->entry();
  EXPECT_EQ(entry.key(), "/a/b");
  EXPECT_EQ(entry.content_case(), wire::Entry::kData);
  EXPECT_EQ(entry.data(), std::string("\0\xff", 2));
  EXPECT_EQ(entry.create_revision(), 2);
  EXPECT_EQ(entry.mod_revision(), 3);
  EXPECT_EQ(entry.version(), 2);
  EXPECT_EQ(entry.lease_id(), 0);
  EXPECT_TRUE(entry.has_value());
  EXPECT_FALSE(entry.has_children());
}

TEST_F(Entries, EmptyValueIsAValue) {
  ASSERT_TRUE(client().Put("/empty", "").ok());
  const auto got = client().Get("/empty");
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->entry().content_case(), wire::Entry::kText);
  EXPECT_TRUE(got->entry().has_value());
}

TEST_F(Entries, LeadingAndTrailingSlashAreNormalized) {
  ASSERT_TRUE(client().Put("a/b/", "one").ok());
  EXPECT_EQ(client().Get("/a/b")->entry().key(), "/a/b");
  EXPECT_THAT(KeysOf(client().List("a/")->entries()), ElementsAre("/a/b"));
}

TEST_F(Entries, KeyMayHaveAnyPrintableCharacter) {
  const std::string key = "/Zürich/日本 語/a=b,c;d?e#f%2F~\"'\\/...";
  ASSERT_TRUE(client().Put(key, "ü").ok());
  EXPECT_EQ(client().Get(key)->entry().key(), key);
  EXPECT_EQ(client().TextAt(key), "ü");
}

TEST_F(Entries, BranchIsNotFound) {
  ASSERT_TRUE(client().Put("/a/b", "one").ok());
  const auto got = client().Get("/a");
  ExpectFailure(got.status, grpc::StatusCode::NOT_FOUND, "KEY_NOT_FOUND");
  const Failure failure = FailureOf(got.status);
  EXPECT_EQ(failure.metadata.at("revision"), "2");
  EXPECT_EQ(failure.metadata.at("store_id"), client().List("/")->store_id());
  EXPECT_EQ(failure.resource_type, "key");
  EXPECT_EQ(failure.resource_name, "/a");
  EXPECT_EQ(failure.retry_delay, std::nullopt);
}

TEST_F(Entries, EntryMayHaveChildren) {
  ASSERT_TRUE(client().Put("/a", "parent").ok());
  ASSERT_TRUE(client().Put("/a/b", "child").ok());
  EXPECT_TRUE(client().Get("/a")->entry().has_children());
  ASSERT_TRUE(client().Delete("/a/b").ok());
  EXPECT_FALSE(client().Get("/a")->entry().has_children());
}

TEST_F(Entries, PutIfAbsentIsLostToAnEntryThatIsThere) {
  wire::PutRequest put = PutOf("/a", "first");
  put.set_if_absent(true);
  ASSERT_TRUE(client().Send(put).ok());
  put.set_text("second");
  const auto lost = client().Send(put);
  ExpectFailure(lost.status, grpc::StatusCode::ALREADY_EXISTS, "KEY_EXISTS", {"if_absent"});
  EXPECT_EQ(FailureOf(lost.status).resource_name, "/a");
  EXPECT_EQ(FailureOf(lost.status).metadata.at("revision"), "2");
  EXPECT_EQ(client().TextAt("/a"), "first");
  ASSERT_TRUE(client().Delete("/a").ok());
  EXPECT_EQ(client().Send(put)->version(), 1);
}

TEST_F(Entries, PutIfAbsentWorksOnABranch) {
  ASSERT_TRUE(client().Put("/a/b", "one").ok());
  wire::PutRequest put = PutOf("/a", "branch");
  put.set_if_absent(true);
  EXPECT_TRUE(client().Send(put).ok());
}

TEST_F(Entries, ExpectedModRevisionMustBeTheKeys) {
  wire::PutRequest put = PutOf("/a", "first");
  put.set_expected_mod_revision(0);
  ASSERT_TRUE(client().Send(put).ok());
  ExpectFailure(client().Send(put).status, grpc::StatusCode::FAILED_PRECONDITION, "CONDITION_FAILED", {"expected_mod_revision"});
  put.set_expected_mod_revision(2);
  EXPECT_EQ(client().Send(put)->revision(), 3);
  ExpectFailure(client().Send(put).status, grpc::StatusCode::FAILED_PRECONDITION, "CONDITION_FAILED", {"expected_mod_revision"});
  EXPECT_EQ(client().Revision(), 3);
}

TEST_F(Entries, PutWithAnUnknownLeaseIsRefused) {
  wire::PutRequest put = PutOf("/a", "first");
  put.set_lease_id(4711);
  const auto refused = client().Send(put);
  ExpectFailure(refused.status, grpc::StatusCode::FAILED_PRECONDITION, "LEASE_NOT_FOUND", {"lease_id"});
  EXPECT_EQ(FailureOf(refused.status).resource_type, "lease");
  EXPECT_THAT(FailureOf(refused.status).resource_name, HasSubstr("4711"));
  EXPECT_EQ(client().Revision(), 1);
}

TEST_F(Entries, DeleteOfNothingIsOkAndTakesNoRevision) {
  const auto deleted = client().Delete("/nothing");
  ASSERT_TRUE(deleted.ok());
  EXPECT_EQ(deleted->deleted(), 0);
  EXPECT_EQ(deleted->revision(), 1);
}

// /a, /a/b, /a/b/c, /a/d and /ab, at revisions 2 to 6.
class Deletes : public Entries {
 protected:
  Deletes() {
    for (const char* key : {"/a", "/a/b", "/a/b/c", "/a/d", "/ab"}) EXPECT_TRUE(client().Put(key, key).ok());
  }
  std::vector<std::string> Left() { return KeysOf(client().ListAll(ListOf("/", wire::SCOPE_SUBTREE))); }

  wire::DeleteRequest DeleteOf(const std::string& key, wire::Scope scope) {
    wire::DeleteRequest request;
    request.set_key(key);
    request.set_scope(scope);
    return request;
  }
};

TEST_F(Deletes, TakeTheKeyAloneByDefault) {
  EXPECT_EQ(client().Delete("/a")->deleted(), 1);
  EXPECT_THAT(Left(), ElementsAre("/a/b", "/a/b/c", "/a/d", "/ab"));
  EXPECT_FALSE(client().Get("/a").ok());
  EXPECT_THAT(KeysOf(client().List("/")->entries()), ElementsAre("/a", "/ab"));  // /a is a branch now.
}

TEST_F(Deletes, OfChildrenLeaveWhatIsBelowThem) {
  wire::DeleteRequest request = DeleteOf("/a", wire::SCOPE_CHILDREN);
  request.set_return_previous(true);
  const auto deleted = client().Send(request);
  EXPECT_EQ(deleted->deleted(), 2);
  EXPECT_EQ(deleted->revision(), 7);
  EXPECT_FALSE(deleted->replayed());
  EXPECT_THAT(KeysOf(deleted->previous()), ElementsAre("/a/b", "/a/d"));
  EXPECT_THAT(Left(), ElementsAre("/a", "/a/b/c", "/ab"));
}

TEST_F(Deletes, OfASubtreeTakeItAtOneRevision) {
  wire::DeleteRequest request = DeleteOf("/a", wire::SCOPE_SUBTREE);
  request.set_return_previous(true);
  const auto deleted = client().Send(request);
  EXPECT_EQ(deleted->deleted(), 4);
  EXPECT_EQ(deleted->revision(), 7);
  ASSERT_THAT(deleted->previous(), SizeIs(4));
  EXPECT_EQ(deleted->previous(2).key(), "/a/b/c");
  EXPECT_EQ(deleted->previous(2).text(), "/a/b/c");
  EXPECT_EQ(deleted->previous(2).mod_revision(), 4);
  EXPECT_THAT(Left(), ElementsAre("/ab"));
  EXPECT_EQ(client().List("/", wire::SCOPE_SUBTREE, 6)->entries_size(), 5);
}

TEST_F(Deletes, WithAnExpectedRevisionAreConditional) {
  wire::DeleteRequest request = DeleteOf("/ab", wire::SCOPE_KEY);
  request.set_expected_mod_revision(5);
  ExpectFailure(client().Send(request).status, grpc::StatusCode::FAILED_PRECONDITION, "CONDITION_FAILED", {"expected_mod_revision"});
  request.set_expected_mod_revision(6);
  EXPECT_EQ(client().Send(request)->deleted(), 1);
}

TEST_F(Deletes, ThatOnlyValidateChangeNothing) {
  wire::DeleteRequest request = DeleteOf("/a", wire::SCOPE_SUBTREE);
  request.set_validate_only(true);
  request.set_return_previous(true);
  const auto shown = client().Send(request);
  EXPECT_EQ(shown->deleted(), 4);
  EXPECT_EQ(shown->previous_size(), 4);
  EXPECT_EQ(shown->revision(), 6);
  EXPECT_EQ(client().Revision(), 6);
  request = DeleteOf("/ab", wire::SCOPE_KEY);
  request.set_validate_only(true);
  request.set_expected_mod_revision(5);
  ExpectFailure(client().Send(request).status, grpc::StatusCode::FAILED_PRECONDITION, "CONDITION_FAILED", {"expected_mod_revision"});
}

TEST_F(Entries, PastStatesStayReadable) {
  ASSERT_TRUE(client().Put("/a", "one").ok());    // 2
  ASSERT_TRUE(client().Put("/a", "two").ok());    // 3
  ASSERT_TRUE(client().Delete("/a").ok());        // 4
  ASSERT_TRUE(client().Put("/a", "three").ok());  // 5
  ExpectFailure(client().Get("/a", 1).status, grpc::StatusCode::NOT_FOUND, "KEY_NOT_FOUND");
  EXPECT_EQ(FailureOf(client().Get("/a", 1).status).metadata.at("revision"), "1");
  EXPECT_EQ(client().TextAt("/a", 2), "one");
  EXPECT_EQ(client().Get("/a", 2)->revision(), 2);
  EXPECT_EQ(client().TextAt("/a", 3), "two");
  EXPECT_EQ(client().Get("/a", 4).status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(client().TextAt("/a", 5), "three");
  EXPECT_EQ(client().Get("/a", 5)->entry().version(), 1);
  EXPECT_EQ(client().Get("/a", 5)->entry().create_revision(), 5);
}

}  // namespace
}  // namespace scoutlight::testing

// Transact of the registry, through the wire.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/e2e/served_test.h"
#include "tests/support/failure.h"

namespace scoutlight::testing {
namespace {

using ::testing::ElementsAre;

class Transactions : public ServedTest {
 protected:
  // /a = "one" at revision 2 and "two" at 3; /b/c = "low" at 4.
  Transactions() {
    EXPECT_TRUE(client().Put("/a", "one").ok());
    EXPECT_TRUE(client().Put("/a", "two").ok());
    EXPECT_TRUE(client().Put("/b/c", "low").ok());
  }

  // Whether `condition` holds, found out without a change.
  bool Holds(const wire::Condition& condition) {
    wire::TransactRequest request;
    *request.add_conditions() = condition;
    const auto done = client().Send(request);
    EXPECT_TRUE(done.ok()) << done.status.error_message();
    EXPECT_EQ(done->revision(), 4);
    return done->succeeded();
  }
};

wire::Operation* AddPut(const std::string& key, const std::string& text, wire::TransactRequest* request) {
  wire::Operation* const operation = request->add_on_success();
  operation->mutable_put()->set_key(key);
  operation->mutable_put()->set_text(text);
  return operation;
}

TEST_F(Transactions, CarryOutEveryOperationInOrderAtOneRevision) {
  wire::TransactRequest request;
  auto& put = *AddPut("/a", "three", &request)->mutable_put();
  put.set_expected_mod_revision(3);
  put.set_return_previous(true);
  request.add_on_success()->mutable_get()->set_key("/a");
  auto& removal = *request.add_on_success()->mutable_delete_();
  removal.set_key("/b");
  removal.set_scope(wire::SCOPE_SUBTREE);
  removal.set_return_previous(true);
  auto& fresh = *request.add_on_success()->mutable_put();
  fresh.set_key("/d");
  fresh.set_data("\xff");
  fresh.set_if_absent(true);
  request.add_on_success()->mutable_get()->set_key("/b/c");
  auto& list = *request.add_on_success()->mutable_list();
  list.set_parent("/");
  list.set_limit(1);
  list.set_keys_only(true);
  request.add_on_success()->mutable_list()->set_parent("/");

  const auto done = client().Send(request);
  ASSERT_TRUE(done.ok()) << done.status.error_message();
  EXPECT_TRUE(done->succeeded());
  EXPECT_FALSE(done->replayed());
  EXPECT_EQ(done->revision(), 5);
  EXPECT_EQ(done->store_id(), client().List("/")->store_id());
  ASSERT_EQ(done->results_size(), 7);
  EXPECT_EQ(done->results(0).put().previous().text(), "two");
  EXPECT_EQ(done->results(0).put().create_revision(), 2);
  EXPECT_EQ(done->results(0).put().version(), 3);
  EXPECT_EQ(done->results(1).get().entry().text(), "three");
  EXPECT_EQ(done->results(1).get().entry().mod_revision(), 5);
  EXPECT_EQ(done->results(2).delete_().deleted(), 1);
  EXPECT_THAT(KeysOf(done->results(2).delete_().previous()), ElementsAre("/b/c"));
  EXPECT_FALSE(done->results(3).put().has_previous());
  EXPECT_EQ(done->results(3).put().create_revision(), 5);
  EXPECT_TRUE(done->results(4).has_get());
  EXPECT_FALSE(done->results(4).get().has_entry());
  EXPECT_THAT(KeysOf(done->results(5).list().entries()), ElementsAre("/a"));
  EXPECT_EQ(done->results(5).list().entries(0).content_case(), wire::Entry::CONTENT_NOT_SET);
  EXPECT_TRUE(done->results(5).list().more());
  EXPECT_THAT(KeysOf(done->results(6).list().entries()), ElementsAre("/a", "/d"));
  EXPECT_FALSE(done->results(6).list().more());
}

TEST_F(Transactions, TakeTheOtherBranchWhenAConditionFails) {
  wire::TransactRequest request;
  wire::Condition& condition = *request.add_conditions();
  condition.set_key("/a");
  condition.set_text("one");
  AddPut("/success", "", &request);
  request.add_on_failure()->mutable_get()->set_key("/a");
  const auto done = client().Send(request);
  ASSERT_TRUE(done.ok());
  EXPECT_FALSE(done->succeeded());
  EXPECT_EQ(done->revision(), 4);
  ASSERT_EQ(done->results_size(), 1);
  EXPECT_EQ(done->results(0).get().entry().text(), "two");
}

TEST_F(Transactions, FailAsAWholeWithAnOperationsPrecondition) {
  wire::TransactRequest request;
  AddPut("/new", "value", &request);
  AddPut("/a", "four", &request)->mutable_put()->set_if_absent(true);
  const auto lost = client().Send(request);
  ExpectFailure(lost.status, grpc::StatusCode::ALREADY_EXISTS, "KEY_EXISTS", {"on_success[1].put.if_absent"});
  request.mutable_on_success(1)->mutable_put()->set_if_absent(false);
  request.mutable_on_success(1)->mutable_put()->set_expected_mod_revision(2);
  const auto failed = client().Send(request);
  ExpectFailure(failed.status, grpc::StatusCode::FAILED_PRECONDITION, "CONDITION_FAILED", {"on_success[1].put.expected_mod_revision"});
  EXPECT_EQ(client().Get("/new").status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(client().Revision(), 4);
}

TEST_F(Transactions, WithoutAnyOperationChangeNothing) {
  const auto done = client().Send(wire::TransactRequest());
  ASSERT_TRUE(done.ok());
  EXPECT_TRUE(done->succeeded());
  EXPECT_EQ(done->revision(), 4);
}

TEST_F(Transactions, ConditionsCompareEveryNumberEveryWay) {
  using Condition = wire::Condition;
  // Of /a: version 2, create_revision 2, mod_revision 3, lease_id 0.
  struct Number {
    void (Condition::*set)(int64_t);
    int64_t actual;
  };
  for (const Number& number : {Number{&Condition::set_version, 2}, Number{&Condition::set_create_revision, 2},
                               Number{&Condition::set_mod_revision, 3}, Number{&Condition::set_lease_id, 0}}) {
    for (const int64_t distance : {-1, 0, 1}) {  // Of the actual number from the compared one.
      Condition condition;
      condition.set_key("/a");
      (condition.*number.set)(number.actual - distance);
      EXPECT_EQ(Holds(condition), distance == 0) << condition.ShortDebugString();
      for (const auto& [comparison, holds] :
           std::vector<std::pair<Condition::Comparison, bool>>{{Condition::COMPARISON_EQUAL, distance == 0},
                                                               {Condition::COMPARISON_NOT_EQUAL, distance != 0},
                                                               {Condition::COMPARISON_LESS, distance < 0},
                                                               {Condition::COMPARISON_GREATER, distance > 0}}) {
        condition.set_comparison(comparison);
        EXPECT_EQ(Holds(condition), holds) << condition.ShortDebugString();
      }
    }
  }
}

TEST_F(Transactions, ConditionsCompareValuesByTheirBytes) {
  wire::Condition condition;
  condition.set_key("/a");
  condition.set_data("two");  // Stored as text.
  EXPECT_TRUE(Holds(condition));
  condition.set_comparison(wire::Condition::COMPARISON_GREATER);
  condition.set_text("twn");
  EXPECT_TRUE(Holds(condition));
  condition.set_text("two");
  EXPECT_FALSE(Holds(condition));
  condition.set_comparison(wire::Condition::COMPARISON_NOT_EQUAL);
  condition.set_key("/missing");
  EXPECT_FALSE(Holds(condition));
}

TEST_F(Transactions, ConditionsTellWhatExists) {
  struct Case {
    std::string key;
    wire::Scope scope;
    bool exists;
    bool holds;
  };
  for (const Case& c : {Case{"/a", wire::SCOPE_UNSPECIFIED, true, true}, Case{"/a", wire::SCOPE_KEY, false, false},
                        Case{"/b", wire::SCOPE_KEY, false, true}, Case{"/b", wire::SCOPE_CHILDREN, false, false},
                        Case{"/b", wire::SCOPE_SUBTREE, false, false}, Case{"/b/c", wire::SCOPE_CHILDREN, false, true},
                        Case{"/none", wire::SCOPE_SUBTREE, false, true}}) {
    wire::Condition condition;
    condition.set_key(c.key);
    condition.set_scope(c.scope);
    condition.set_exists(c.exists);
    EXPECT_EQ(Holds(condition), c.holds) << condition.ShortDebugString();
  }
}

TEST_F(Transactions, ThousandTwentyFourOperationsAreAllowed) {
  wire::TransactRequest request;
  for (int i = 0; i < 1024; ++i) AddPut(absl::StrCat("/many/", i), "", &request);
  for (int i = 0; i < 1024; ++i) {
    wire::Condition& condition = *request.add_conditions();
    condition.set_key(absl::StrCat("/many/", i));
    condition.set_exists(false);
  }
  const auto done = client().Send(request);
  ASSERT_TRUE(done.ok()) << done.status.error_message();
  EXPECT_EQ(done->results_size(), 1024);
  EXPECT_EQ(done->revision(), 5);
}

TEST_F(Transactions, AnswerOverTheLimitIsRefusedBeforeItIsCommitted) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(client().Put(absl::StrCat("/large/", i), std::string(1 << 20, 'x')).ok());
  wire::TransactRequest request;
  AddPut("/new", "", &request);
  for (int i = 0; i < 4; ++i) request.add_on_success()->mutable_get()->set_key(absl::StrCat("/large/", i));
  const auto refused = client().Send(request);
  ExpectFailure(refused.status, grpc::StatusCode::INVALID_ARGUMENT, "ANSWER_TOO_LARGE");
  wire::DeleteRequest removal;
  removal.set_key("/large");
  removal.set_scope(wire::SCOPE_SUBTREE);
  removal.set_return_previous(true);
  ExpectFailure(client().Send(removal).status, grpc::StatusCode::INVALID_ARGUMENT, "ANSWER_TOO_LARGE");
  EXPECT_EQ(client().Revision(), 8);
}

TEST_F(Transactions, ListIsCutWhereTheAnswerEndsAndSaysSo) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(client().Put(absl::StrCat("/large/", i), std::string(1 << 20, 'x')).ok());
  wire::TransactRequest request;
  request.add_on_success()->mutable_list()->set_parent("/large");
  const auto done = client().Send(request);
  ASSERT_TRUE(done.ok()) << done.status.error_message();
  EXPECT_THAT(KeysOf(done->results(0).list().entries()), ElementsAre("/large/0", "/large/1", "/large/2"));
  EXPECT_TRUE(done->results(0).list().more());
}

// The rules of the registry that ScoutLight's first version kept in its client library.
class OlderLibrary : public ServedTest {};

TEST_F(OlderLibrary, PutAllIsAtomicAndKeepsUsersKeysBesideEachOther) {
  wire::TransactRequest all;
  AddPut("/MyCluster/services/PrintingServices/4623452345/hostname", "192.168.1.101", &all);
  AddPut("/MyCluster/services/PrintingServices/4623452345/port", "8001", &all);
  AddPut("/MyCluster/notes/today", "of a user", &all);
  ASSERT_TRUE(client().Send(all).ok());
  const std::vector<wire::Entry> entries = client().ListAll(ListOf("/MyCluster", wire::SCOPE_SUBTREE));
  for (const wire::Entry& entry : entries) EXPECT_TRUE(!entry.has_value() || entry.mod_revision() == 2) << entry.key();
  AddPut("/MyCluster/services/PrintingServices/4623452345/port", "8002", &all);
  ExpectFailure(client().Send(all).status, grpc::StatusCode::INVALID_ARGUMENT, "DUPLICATE_KEY", {"on_success[3].put.key"});
  EXPECT_EQ(client().TextAt("/MyCluster/services/PrintingServices/4623452345/port"), "8001");
}

TEST_F(OlderLibrary, AMissingKeyIsAnErrorAMissingParentIsNot) {
  ExpectFailure(client().Get("/parent/none").status, grpc::StatusCode::NOT_FOUND, "KEY_NOT_FOUND");
  EXPECT_TRUE(client().List("/parent").ok());
}

TEST_F(OlderLibrary, ANameThatStartsLikeTheParentIsNoChild) {
  for (const char* key : {"/parent/a", "/parentA/b", "/parent/a/deep"}) ASSERT_TRUE(client().Put(key, "").ok());
  EXPECT_THAT(KeysOf(client().List("/parent")->entries()), ElementsAre("/parent/a"));
  EXPECT_THAT(KeysOf(client().List("/")->entries()), ElementsAre("/parent", "/parentA"));
  ASSERT_EQ(client().Delete("/parent", wire::SCOPE_SUBTREE)->deleted(), 2);
  EXPECT_THAT(KeysOf(client().List("/")->entries()), ElementsAre("/parentA"));
}

TEST_F(OlderLibrary, ChildrenCanBeFetchedInOrderOfCreation) {
  for (const char* key : {"/q/zeta", "/q/alpha", "/q/mid"}) ASSERT_TRUE(client().Put(key, key).ok());
  ASSERT_TRUE(client().Put("/q/zeta", "again").ok());
  wire::ListRequest request = ListOf("/q");
  request.set_order(wire::ORDER_CREATION);
  EXPECT_THAT(KeysOf(client().ListAll(request)), ElementsAre("/q/zeta", "/q/alpha", "/q/mid"));
  ASSERT_TRUE(client().Delete("/q/zeta").ok());
  ASSERT_TRUE(client().Put("/q/zeta", "anew").ok());
  EXPECT_THAT(KeysOf(client().ListAll(request)), ElementsAre("/q/alpha", "/q/mid", "/q/zeta"));
}

}  // namespace
}  // namespace scoutlight::testing

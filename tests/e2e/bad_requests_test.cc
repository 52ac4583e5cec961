// Requests that are wrong as a whole, or about a state that is not there.
#include <gmock/gmock.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/e2e/bad_input.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {
namespace {

class BadRequests : public BadInputTest {};

TEST_F(BadRequests, TokensOfAnotherList) {
  ASSERT_TRUE(client().Put("/b", "two").ok());
  revision_ = 3;
  wire::ListRequest first = ListOf("/");
  first.set_page_size(1);
  const std::string token = client().Send(first)->next_page_token();
  ASSERT_NE(token, "");
  first.set_page_token(token);
  std::string changed = token;
  changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
  using List = wire::ListRequest;
  const std::vector<std::string> damaged = {
      "x", "not a token", changed, token + "A", token.substr(0, token.size() - 4), std::string(100'000, 'A')};
  for (const std::string& text : damaged) {
    ExpectRefused(client(),
                  {{"damaged", With<List>(first, [&text](auto* r) { r->set_page_token(text); }), "INVALID_PAGE_TOKEN", {"page_token"}}});
  }
  ExpectRefused(client(),
                {
                    {"parent", With<List>(first, [](auto* r) { r->set_parent("/a"); }), "INVALID_PAGE_TOKEN", {"page_token"}},
                    {"scope", With<List>(first, [](auto* r) { r->set_scope(wire::SCOPE_SUBTREE); }), "INVALID_PAGE_TOKEN", {"page_token"}},
                    {"keys only", With<List>(first, [](auto* r) { r->set_keys_only(true); }), "INVALID_PAGE_TOKEN", {"page_token"}},
                    {"order", With<List>(first, [](auto* r) { r->set_order(wire::ORDER_CREATION); }), "INVALID_PAGE_TOKEN", {"page_token"}},
                    {"revision", With<List>(first, [](auto* r) { r->set_revision(2); }), "INVALID_PAGE_TOKEN", {"page_token"}},
                });
  EXPECT_TRUE(client().Send(first).ok());
  first.set_scope(wire::SCOPE_CHILDREN);
  first.set_order(wire::ORDER_KEY);
  EXPECT_TRUE(client().Send(first).ok());
}

TEST_F(BadRequests, TokenOfAnotherStore) {
  TempDir other_dir;
  const auto other = StartServer({.data_dir = other_dir.File("data")});
  wire::ListRequest request = ListOf("/");
  request.set_page_size(1);
  {
    Client other_client(other->address());
    for (const char* key : {"/a", "/b"}) ASSERT_TRUE(other_client.Put(key, "").ok());
    request.set_page_token(other_client.Send(request)->next_page_token());
  }
  ASSERT_NE(request.page_token(), "");
  ExpectFailure(client().Send(request).status, StatusCode::INVALID_ARGUMENT, "INVALID_PAGE_TOKEN", {"page_token"});
}

TEST_F(BadRequests, FutureRevisions) {
  for (const grpc::Status& status : {client().Get("/a", 3).status, client().List("/", wire::SCOPE_CHILDREN, 3).status,
                                     client().Get("/none", INT64_MAX).status, client().List("/", wire::SCOPE_SUBTREE, INT64_MAX).status}) {
    const Failure failure = FailureOf(status);
    ExpectFailure(status, StatusCode::OUT_OF_RANGE, "FUTURE_REVISION", {"revision"});
    EXPECT_EQ(failure.metadata.at("revision"), "2");
    EXPECT_EQ(failure.metadata.at("oldest_revision"), "1");
  }
}

TEST_F(BadRequests, TransactionsThatWriteAKeyTwice) {
  const auto put = [](const std::string& key) {
    wire::Operation operation;
    operation.mutable_put()->set_key(key);
    operation.mutable_put()->set_text("");
    return operation;
  };
  const auto removal = [](const std::string& key, wire::Scope scope) {
    wire::Operation operation;
    operation.mutable_delete_()->set_key(key);
    operation.mutable_delete_()->set_scope(scope);
    return operation;
  };
  struct Pair {
    wire::Operation first;
    wire::Operation second;
    const char* field;
  };
  const std::vector<Pair> pairs = {
      {put("/x"), put("/x"), "[1].put.key"},
      {put("/x"), put("x/"), "[1].put.key"},
      {removal("/x", wire::SCOPE_SUBTREE), put("/x/y/z"), "[1].put.key"},
      {removal("/x", wire::SCOPE_SUBTREE), put("/x"), "[1].put.key"},
      {put("/x/y"), removal("/x", wire::SCOPE_SUBTREE), "[0].put.key"},
      {removal("/x", wire::SCOPE_CHILDREN), put("/x/y"), "[1].put.key"},
      {removal("/x", wire::SCOPE_KEY), put("/x"), "[1].put.key"},
  };
  for (const Pair& pair : pairs) {
    SCOPED_TRACE(absl::StrCat(pair.first.ShortDebugString(), " ", pair.second.ShortDebugString()));
    for (const bool on_success : {true, false}) {
      const grpc::Status status = Transact(client(), [&](wire::TransactRequest* request) {
        auto* const operations = on_success ? request->mutable_on_success() : request->mutable_on_failure();
        *operations->Add() = pair.first;
        *operations->Add() = pair.second;
      });
      ExpectFailure(status, StatusCode::INVALID_ARGUMENT, "DUPLICATE_KEY",
                    {absl::StrCat(on_success ? "on_success" : "on_failure", pair.field)});
    }
  }
}

TEST_F(BadRequests, TransactionsOfTooManyParts) {
  for (const char* field : {"conditions", "on_success", "on_failure"}) {
    const grpc::Status status = Transact(client(), [field](wire::TransactRequest* request) {
      for (int i = 0; i < 1025; ++i) {
        if (field == std::string("conditions")) {
          *request->add_conditions() = ConditionOn("/a");
          request->mutable_conditions(i)->set_exists(true);
        } else {
          auto* const operations = field == std::string("on_success") ? request->mutable_on_success() : request->mutable_on_failure();
          operations->Add()->mutable_get()->set_key("/a");
        }
      }
    });
    ExpectFailure(status, StatusCode::INVALID_ARGUMENT, "TRANSACTION_TOO_LARGE", {field});
  }
}

TEST_F(BadRequests, RequestIdsOverSixtyFourBytes) {
  const std::string most(64, 'i');
  const std::string over(65, 'i');
  wire::TransactRequest transact;
  ExpectRefused(
      client(),
      {
          {"put", With<wire::PutRequest>(PutOf("/b", ""), [&](auto* r) { r->set_request_id(over); }), "INVALID_FIELD", {"request_id"}},
          {"delete", With<wire::DeleteRequest>(DeleteOf("/b"), [&](auto* r) { r->set_request_id(over); }), "INVALID_FIELD", {"request_id"}},
          {"transact", With<wire::TransactRequest>(transact, [&](auto* r) { r->set_request_id(over); }), "INVALID_FIELD", {"request_id"}},
      });
  wire::PutRequest put = PutOf("/b", "");
  put.set_request_id(most);
  EXPECT_TRUE(client().Send(put).ok());
  put.set_text("another request");
  ExpectFailure(client().Send(put).status, StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED", {"request_id"});
  wire::DeleteRequest removal = DeleteOf("/b");
  removal.set_request_id(most);
  ExpectFailure(client().Send(removal).status, StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED", {"request_id"});
  revision_ = 3;
}

TEST_F(BadRequests, StringsThatAreNotUtf8) {
  struct Raw {
    const char* method;
    std::string message;  // With the character '?' for the byte that no text has.
    const char* field;
  };
  wire::ListRequest list = ListOf("/");
  list.set_page_token("?");
  wire::PutRequest put = PutOf("/b", "");
  put.set_request_id("?");
  wire::DeleteRequest removal = DeleteOf("/b");
  removal.set_request_id("?");
  wire::TransactRequest condition;
  *condition.add_conditions() = ConditionOn("/a");
  *condition.add_conditions() = ConditionOn("/?");
  wire::TransactRequest operation;
  operation.add_on_success()->mutable_get()->set_key("/a");
  operation.add_on_success()->mutable_put()->set_text("?");
  wire::TransactRequest failure;
  failure.add_on_failure()->mutable_list()->set_parent("?");
  for (const Raw& raw : {
           Raw{"Get", GetOf("/?").SerializeAsString(), "key"},
           Raw{"List", ListOf("/?").SerializeAsString(), "parent"},
           Raw{"List", list.SerializeAsString(), "page_token"},
           Raw{"Put", PutOf("/?", "").SerializeAsString(), "key"},
           Raw{"Put", PutOf("/b", "ab?").SerializeAsString(), "text"},
           Raw{"Put", put.SerializeAsString(), "request_id"},
           Raw{"Delete", DeleteOf("/?").SerializeAsString(), "key"},
           Raw{"Delete", removal.SerializeAsString(), "request_id"},
           Raw{"Transact", condition.SerializeAsString(), "conditions[1].key"},
           Raw{"Transact", operation.SerializeAsString(), "on_success[1].put.text"},
           Raw{"Transact", failure.SerializeAsString(), "on_failure[0].list.parent"},
       }) {
    SCOPED_TRACE(absl::StrCat(raw.method, " ", raw.field));
    const grpc::Status status = client().SendBytes(raw.method, absl::StrReplaceAll(raw.message, {{"?", "\xff"}}));
    ExpectFailure(status, StatusCode::INVALID_ARGUMENT, "MALFORMED_REQUEST", {raw.field});
  }
}

TEST_F(BadRequests, BytesThatAreNoMessage) {
  const std::string cut = PutOf("/b", "value").SerializeAsString();
  for (const char* method : {"Get", "List", "Put", "Delete", "Transact"}) {
    for (const std::string& bytes :
         {cut.substr(0, cut.size() - 1), std::string("\xff"), std::string("\x0a\xff\xff\xff\xff\x0f", 6), std::string(1000, '\xff')}) {
      SCOPED_TRACE(method);
      ExpectFailure(client().SendBytes(method, bytes), StatusCode::INVALID_ARGUMENT, "MALFORMED_REQUEST");
    }
  }
}

TEST_F(BadRequests, EmptyMessages) {
  for (const char* method : {"Get", "Delete"}) {
    ExpectFailure(client().SendBytes(method, ""), StatusCode::INVALID_ARGUMENT, "INVALID_KEY", {"key"});
  }
  ExpectFailure(client().SendBytes("List", ""), StatusCode::INVALID_ARGUMENT, "INVALID_KEY", {"parent"});
  ExpectFailure(client().SendBytes("Put", ""), StatusCode::INVALID_ARGUMENT, "INVALID_KEY", {"key", "text|data"});
  EXPECT_TRUE(client().SendBytes("Transact", "").ok());
}

TEST_F(BadRequests, RequestsOverTwoMebibytes) {
  wire::TransactRequest request;
  for (const char* key : {"/x", "/y"}) {
    request.add_on_success()->mutable_put()->set_key(key);
    request.mutable_on_success()->rbegin()->mutable_put()->set_text(std::string(kMiB, 'v'));
  }
  ExpectFailure(client().Send(request).status, StatusCode::INVALID_ARGUMENT, "REQUEST_TOO_LARGE");
  for (const char* method : {"Get", "List", "Put", "Delete", "Transact"}) {
    ExpectFailure(client().SendBytes(method, std::string(2 * kMiB + 1, 'x')), StatusCode::INVALID_ARGUMENT, "REQUEST_TOO_LARGE");
    EXPECT_EQ(client().SendBytes(method, std::string(4 * kMiB + 1, 'x')).error_code(), StatusCode::RESOURCE_EXHAUSTED);
  }
  // With everything around it exactly 2 MiB.
  request.mutable_on_success(1)->mutable_put()->mutable_text()->resize(kMiB - (request.ByteSizeLong() - 2 * kMiB));
  ASSERT_EQ(request.ByteSizeLong(), 2 * kMiB);
  EXPECT_TRUE(client().Send(request).ok());
  revision_ = 3;
}

TEST_F(BadRequests, MethodsThatAreNone) {
  EXPECT_EQ(client().SendBytes("Compact", "").error_code(), StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(client().SendBytes("../Get", "").error_code(), StatusCode::UNIMPLEMENTED);
}

// Keeps next to no history.
class ShortHistory : public ServedTest {
 protected:
  ShortHistory() : ServedTest({"--history-age=0s", "--history-bytes=0"}) {}
};

TEST_F(ShortHistory, CompactedRevisionsAreOutOfRange) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client().Put("/a", absl::StrCat(i)).ok());
  grpc::Status past;
  ASSERT_TRUE(WaitUntil([&] { return !(past = client().Get("/a", 5).status).ok(); })) << "history is not given up";
  const Failure failure = FailureOf(past);
  ExpectFailure(past, StatusCode::OUT_OF_RANGE, "COMPACTED", {"revision"});
  EXPECT_GT(std::stoll(failure.metadata.at("oldest_revision")), 5);
  EXPECT_EQ(failure.metadata.at("revision"), "21");
  ExpectFailure(client().List("/", wire::SCOPE_CHILDREN, 5).status, StatusCode::OUT_OF_RANGE, "COMPACTED", {"revision"});
  EXPECT_EQ(client().TextAt("/a"), "19");
}

}  // namespace
}  // namespace scoutlight::testing

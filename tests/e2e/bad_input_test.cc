// What a caller may not ask for: exact code, reason and field of each, and that none of it changes the store.
#include <gmock/gmock.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/failure.h"

namespace scoutlight::testing {
namespace {

using grpc::StatusCode;

constexpr size_t kMiB = 1 << 20;

// The store holds /a at revision 2. No test in here changes that but by what it says itself.
class BadInput : public ServedTest {
 protected:
  BadInput() { EXPECT_TRUE(client().Put("/a", "one").ok()); }

  void TearDown() override {
    EXPECT_EQ(client().Revision(), revision_);
    EXPECT_EQ(client().TextAt("/a"), "one");
    ServedTest::TearDown();
  }

  int64_t revision_ = 2;  // That the store must have in the end.
};

// Where a request names a key: how to send it, the field, and whether the key is written, or may be "/".
struct KeyPlace {
  const char* field;
  enum Use { kRead, kWritten, kListed } use;
  std::function<grpc::Status(Client&, const std::string& key)> send;
};

grpc::Status Transact(Client& client, const std::function<void(wire::TransactRequest*)>& fill) {
  wire::TransactRequest request;
  fill(&request);
  return client.Send(request).status;
}

// `fill` sets one operation of `field`, "on_success" or "on_failure", behind a harmless one.
grpc::Status TransactOne(Client& client, bool on_success, const std::function<void(wire::Operation*)>& fill) {
  return Transact(client, [&](wire::TransactRequest* request) {
    auto* const operations = on_success ? request->mutable_on_success() : request->mutable_on_failure();
    operations->Add()->mutable_get()->set_key("/a");
    fill(operations->Add());
  });
}

std::vector<KeyPlace> KeyPlaces() {
  std::vector<KeyPlace> places = {
      {"key", KeyPlace::kRead, [](Client& client, const std::string& key) { return client.Get(key).status; }},
      {"parent", KeyPlace::kListed, [](Client& client, const std::string& key) { return client.List(key).status; }},
      {"key", KeyPlace::kWritten, [](Client& client, const std::string& key) { return client.Put(key, "").status; }},
      {"key", KeyPlace::kWritten, [](Client& client, const std::string& key) { return client.Delete(key).status; }},
      {"key", KeyPlace::kWritten,
       [](Client& client, const std::string& key) {
         wire::DeleteRequest request;
         request.set_key(key);
         request.set_validate_only(true);
         return client.Send(request).status;
       }},
      {"conditions[0].key", KeyPlace::kRead,
       [](Client& client, const std::string& key) {
         return Transact(client, [&key](wire::TransactRequest* request) {
           request->add_conditions()->set_key(key);
           request->mutable_conditions(0)->set_exists(true);
         });
       }},
  };
  for (const bool on_success : {true, false}) {
    const auto add = [&](const char* field, KeyPlace::Use use, void (*fill)(wire::Operation*, const std::string&)) {
      places.push_back({field, use, [=](Client& client, const std::string& key) {
                          return TransactOne(client, on_success, [&](wire::Operation* operation) { fill(operation, key); });
                        }});
    };
    add(on_success ? "on_success[1].put.key" : "on_failure[1].put.key", KeyPlace::kWritten,
        [](wire::Operation* operation, const std::string& key) {
          operation->mutable_put()->set_key(key);
          operation->mutable_put()->set_text("");
        });
    add(on_success ? "on_success[1].delete.key" : "on_failure[1].delete.key", KeyPlace::kWritten,
        [](wire::Operation* operation, const std::string& key) { operation->mutable_delete_()->set_key(key); });
    add(on_success ? "on_success[1].get.key" : "on_failure[1].get.key", KeyPlace::kRead,
        [](wire::Operation* operation, const std::string& key) { operation->mutable_get()->set_key(key); });
    add(on_success ? "on_success[1].list.parent" : "on_failure[1].list.parent", KeyPlace::kListed,
        [](wire::Operation* operation, const std::string& key) { operation->mutable_list()->set_parent(key); });
  }
  return places;
}

std::string KeyOfSegments(int segments) {
  std::string key;
  for (int i = 0; i < segments; ++i) key += "/s";
  return key;
}

std::string KeyOfBytes(size_t bytes) { return absl::StrCat("/", std::string(bytes - 1, 'k')); }

TEST_F(BadInput, KeysThatAreNone) {
  const std::vector<std::string> keys = {"",
                                         "//",
                                         "//a",
                                         "/a//b",
                                         "/a//",
                                         ".",
                                         "..",
                                         "/.",
                                         "/..",
                                         "/a/../b",
                                         "/a/./b",
                                         "/a/..",
                                         std::string("/a\0b", 4),
                                         std::string("\0", 1),
                                         "/a\x01",
                                         "/a\n/b",
                                         "/a\x1f/b",
                                         "/a\x7f",
                                         "/a\xc2\x80",  // U+0080, a C1 control character.
                                         "/a\xc2\x9f",
                                         KeyOfSegments(33),
                                         KeyOfBytes(1025),
                                         std::string(1024, 'k')};  // 1,025 bytes with the slash in front.
  for (const KeyPlace& place : KeyPlaces()) {
    for (const std::string& key : keys) {
      SCOPED_TRACE(absl::StrCat(place.field, " = \"", key.substr(0, 40), "\""));
      ExpectFailure(place.send(client(), key), StatusCode::INVALID_ARGUMENT, "INVALID_KEY", {place.field});
    }
  }
}

TEST_F(BadInput, TheRootHoldsNoValue) {
  for (const KeyPlace& place : KeyPlaces()) {
    SCOPED_TRACE(place.field);
    if (place.use == KeyPlace::kListed) {
      EXPECT_TRUE(place.send(client(), "/").ok());
    } else {
      ExpectFailure(place.send(client(), "/"), StatusCode::INVALID_ARGUMENT, "INVALID_KEY", {place.field});
    }
  }
}

TEST_F(BadInput, TheSystemTreeIsNotWritten) {
  for (const KeyPlace& place : KeyPlaces()) {
    for (const std::string key : {"/.scoutlight", "/.scoutlight/x", ".scoutlight/instances/a/b/c/", "/.scoutlight/x/y"}) {
      SCOPED_TRACE(absl::StrCat(place.field, " = ", key));
      const grpc::Status status = place.send(client(), key);
      if (place.use == KeyPlace::kWritten) {
        ExpectFailure(status, StatusCode::INVALID_ARGUMENT, "RESERVED_KEY", {place.field});
      } else {
        EXPECT_TRUE(status.ok() || status.error_code() == StatusCode::NOT_FOUND) << status.error_message();
      }
    }
  }
}

TEST_F(BadInput, LongestAndDeepestKeysAreKeys) {
  for (const std::string& key : {KeyOfSegments(32), KeyOfBytes(1024), KeyOfBytes(1024) + "/"}) {
    for (const KeyPlace& place : KeyPlaces()) {
      const grpc::Status status = place.send(client(), key);
      EXPECT_TRUE(status.ok() || status.error_code() == StatusCode::NOT_FOUND) << place.field << ": " << status.error_message();
    }
  }
  // Of each key and its places: a put, its delete, and a put of a transaction with its delete.
  revision_ = 2 + 3 * 4;
}

TEST_F(BadInput, ValuesOverAMebibyte) {
  const std::string most(kMiB, 'v');
  const std::string over(kMiB + 1, 'v');
  wire::PutRequest put = PutOf("/large", over);
  ExpectFailure(client().Send(put).status, StatusCode::INVALID_ARGUMENT, "VALUE_TOO_LARGE", {"text"});
  put.set_data(over);
  ExpectFailure(client().Send(put).status, StatusCode::INVALID_ARGUMENT, "VALUE_TOO_LARGE", {"data"});
  for (const bool on_success : {true, false}) {
    ExpectFailure(TransactOne(client(), on_success,
                              [&over](wire::Operation* operation) {
                                operation->mutable_put()->set_key("/large");
                                operation->mutable_put()->set_data(over);
                              }),
                  StatusCode::INVALID_ARGUMENT, "VALUE_TOO_LARGE", {on_success ? "on_success[1].put.data" : "on_failure[1].put.data"});
  }
  const grpc::Status condition = Transact(client(), [&over](wire::TransactRequest* request) {
    request->add_conditions()->set_key("/large");
    request->mutable_conditions(0)->set_text(over);
  });
  ExpectFailure(condition, StatusCode::INVALID_ARGUMENT, "VALUE_TOO_LARGE", {"conditions[0].text"});
  put.set_data(most);
  EXPECT_TRUE(client().Send(put).ok());
  EXPECT_EQ(client().Get("/large")->entry().data(), most);
  revision_ = 3;
}

struct Case {
  const char* name;
  std::function<grpc::Status(Client&)> send;
  const char* reason;
  std::vector<std::string> fields;
};

void ExpectRefused(Client& client, const std::vector<Case>& cases, StatusCode code = StatusCode::INVALID_ARGUMENT) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ExpectFailure(c.send(client), code, c.reason, c.fields);
  }
}

// A request of one method with something set by `fill`.
template <typename Request>
std::function<grpc::Status(Client&)> With(const Request& base, const std::function<void(Request*)>& fill) {
  return [base, fill](Client& client) {
    Request request = base;
    fill(&request);
    return client.Send(request).status;
  };
}

wire::GetRequest GetOf(const std::string& key) {
  wire::GetRequest request;
  request.set_key(key);
  return request;
}

wire::DeleteRequest DeleteOf(const std::string& key) {
  wire::DeleteRequest request;
  request.set_key(key);
  return request;
}

wire::Condition ConditionOn(const std::string& key) {
  wire::Condition condition;
  condition.set_key(key);
  return condition;
}

std::function<grpc::Status(Client&)> WithOperation(const std::function<void(wire::Operation*)>& fill) {
  return [fill](Client& client) { return TransactOne(client, true, fill); };
}

std::function<grpc::Status(Client&)> WithCondition(const std::function<void(wire::Condition*)>& fill) {
  return [fill](Client& client) {
    return Transact(client, [&fill](wire::TransactRequest* request) {
      wire::Condition* const condition = request->add_conditions();
      *condition = ConditionOn("/a");
      fill(condition);
    });
  };
}

TEST_F(BadInput, NumbersOutOfRange) {
  ExpectRefused(client(), {
                              {"get, negative revision",
                               With<wire::GetRequest>(GetOf("/a"), [](auto* r) { r->set_revision(-1); }),
                               "INVALID_FIELD",
                               {"revision"}},
                              {"list, negative revision",
                               With<wire::ListRequest>(ListOf("/"), [](auto* r) { r->set_revision(-5); }),
                               "INVALID_FIELD",
                               {"revision"}},
                              {"list, negative page size",
                               With<wire::ListRequest>(ListOf("/"), [](auto* r) { r->set_page_size(-1); }),
                               "INVALID_FIELD",
                               {"page_size"}},
                              {"put, negative lease",
                               With<wire::PutRequest>(PutOf("/a", ""), [](auto* r) { r->set_lease_id(-1); }),
                               "INVALID_FIELD",
                               {"lease_id"}},
                              {"put, negative expectation",
                               With<wire::PutRequest>(PutOf("/a", ""), [](auto* r) { r->set_expected_mod_revision(-1); }),
                               "INVALID_FIELD",
                               {"expected_mod_revision"}},
                              {"delete, negative expectation",
                               With<wire::DeleteRequest>(DeleteOf("/a"), [](auto* r) { r->set_expected_mod_revision(-1); }),
                               "INVALID_FIELD",
                               {"expected_mod_revision"}},
                              {"transact, negative limit",
                               WithOperation([](wire::Operation* o) {
                                 o->mutable_list()->set_parent("/");
                                 o->mutable_list()->set_limit(-1);
                               }),
                               "INVALID_FIELD",
                               {"on_success[1].list.limit"}},
                              {"transact, negative lease",
                               WithOperation([](wire::Operation* o) {
                                 o->mutable_put()->set_key("/b");
                                 o->mutable_put()->set_text("");
                                 o->mutable_put()->set_lease_id(-1);
                               }),
                               "INVALID_FIELD",
                               {"on_success[1].put.lease_id"}},
                          });
}

TEST_F(BadInput, EnumsThatAreNone) {
  const auto scope = static_cast<wire::Scope>(99);
  ExpectRefused(
      client(),
      {
          {"list, scope", With<wire::ListRequest>(ListOf("/"), [=](auto* r) { r->set_scope(scope); }), "INVALID_FIELD", {"scope"}},
          {"list, order",
           With<wire::ListRequest>(ListOf("/"), [](auto* r) { r->set_order(static_cast<wire::Order>(-1)); }),
           "INVALID_FIELD",
           {"order"}},
          {"delete, scope", With<wire::DeleteRequest>(DeleteOf("/a"), [=](auto* r) { r->set_scope(scope); }), "INVALID_FIELD", {"scope"}},
          {"condition, scope",
           WithCondition([=](wire::Condition* c) {
             c->set_exists(false);
             c->set_scope(scope);
           }),
           "INVALID_FIELD",
           {"conditions[0].scope"}},
          {"condition, comparison",
           WithCondition([](wire::Condition* c) {
             c->set_version(1);
             c->set_comparison(static_cast<wire::Condition::Comparison>(5));
           }),
           "INVALID_FIELD",
           {"conditions[0].comparison"}},
          {"operation, delete's scope",
           WithOperation([=](wire::Operation* o) {
             o->mutable_delete_()->set_key("/a");
             o->mutable_delete_()->set_scope(scope);
           }),
           "INVALID_FIELD",
           {"on_success[1].delete.scope"}},
          {"operation, list's scope",
           WithOperation([=](wire::Operation* o) {
             o->mutable_list()->set_parent("/a");
             o->mutable_list()->set_scope(scope);
           }),
           "INVALID_FIELD",
           {"on_success[1].list.scope"}},
      });
}

TEST_F(BadInput, ChoicesThatAreNotMade) {
  ExpectRefused(client(),
                {
                    {"put without a value", With<wire::PutRequest>({}, [](auto* r) { r->set_key("/a"); }), "INVALID_FIELD", {"text|data"}},
                    {"condition without a target", WithCondition([](wire::Condition*) {}), "INVALID_FIELD", {"conditions[0].target"}},
                    {"no operation", WithOperation([](wire::Operation*) {}), "INVALID_FIELD", {"on_success[1]"}},
                    {"operation's put without a value",
                     WithOperation([](wire::Operation* o) { o->mutable_put()->set_key("/a"); }),
                     "INVALID_FIELD",
                     {"on_success[1].put.text|data"}},
                });
}

TEST_F(BadInput, FieldsThatDoNotGoTogether) {
  ExpectRefused(client(), {
                              {"expected revision of a subtree",
                               With<wire::DeleteRequest>(DeleteOf("/a"),
                                                         [](auto* r) {
                                                           r->set_scope(wire::SCOPE_SUBTREE);
                                                           r->set_expected_mod_revision(2);
                                                         }),
                               "INVALID_FIELD",
                               {"expected_mod_revision"}},
                              {"absent and at a revision",
                               With<wire::PutRequest>(PutOf("/a", ""),
                                                      [](auto* r) {
                                                        r->set_if_absent(true);
                                                        r->set_expected_mod_revision(2);
                                                      }),
                               "INVALID_FIELD",
                               {"expected_mod_revision"}},
                              {"existence with a comparison",
                               WithCondition([](wire::Condition* c) {
                                 c->set_exists(true);
                                 c->set_comparison(wire::Condition::COMPARISON_EQUAL);
                               }),
                               "INVALID_FIELD",
                               {"conditions[0].comparison"}},
                              {"a range that exists",
                               WithCondition([](wire::Condition* c) {
                                 c->set_exists(true);
                                 c->set_scope(wire::SCOPE_SUBTREE);
                               }),
                               "INVALID_FIELD",
                               {"conditions[0].scope"}},
                              {"a range with a version",
                               WithCondition([](wire::Condition* c) {
                                 c->set_version(1);
                                 c->set_scope(wire::SCOPE_CHILDREN);
                               }),
                               "INVALID_FIELD",
                               {"conditions[0].scope"}},
                          });
}

TEST_F(BadInput, EveryViolatedFieldIsNamed) {
  const grpc::Status status = Transact(client(), [](wire::TransactRequest* request) {
    request->add_conditions()->set_key("/a//b");
    request->add_on_success()->mutable_put()->set_key("/.scoutlight/x");
    request->add_on_failure()->mutable_list()->set_limit(-1);
    request->set_request_id(std::string(65, 'i'));
  });
  ExpectFailure(status, StatusCode::INVALID_ARGUMENT, "INVALID_KEY",
                {"conditions[0].key", "conditions[0].target", "on_success[0].put.key", "on_success[0].put.text|data",
                 "on_failure[0].list.parent", "on_failure[0].list.limit", "request_id"});
}

TEST_F(BadInput, ManyViolatedFieldsStillFitIntoAnAnswer) {
  const grpc::Status status = Transact(client(), [](wire::TransactRequest* request) {
    for (int i = 0; i < 1024; ++i) request->add_on_success();
  });
  const Failure failure = FailureOf(status);
  EXPECT_EQ(failure.code, StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(failure.reason, "INVALID_FIELD");
  ASSERT_FALSE(failure.fields.empty());
  EXPECT_EQ(failure.fields.front(), "on_success[0]");
  EXPECT_EQ(std::to_string(1024 - failure.fields.size()), failure.metadata.at("violations_omitted"));
}

TEST_F(BadInput, TokensOfAnotherList) {
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

TEST_F(BadInput, TokenOfAnotherStore) {
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

TEST_F(BadInput, FutureRevisions) {
  for (const grpc::Status& status : {client().Get("/a", 3).status, client().List("/", wire::SCOPE_CHILDREN, 3).status,
                                     client().Get("/none", INT64_MAX).status, client().List("/", wire::SCOPE_SUBTREE, INT64_MAX).status}) {
    const Failure failure = FailureOf(status);
    ExpectFailure(status, StatusCode::OUT_OF_RANGE, "FUTURE_REVISION", failure.fields);
    EXPECT_EQ(failure.metadata.at("revision"), "2");
    EXPECT_EQ(failure.metadata.at("oldest_revision"), "1");
  }
}

TEST_F(BadInput, TransactionsThatWriteAKeyTwice) {
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

TEST_F(BadInput, TransactionsOfTooManyParts) {
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

TEST_F(BadInput, RequestIdsOverSixtyFourBytes) {
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

TEST_F(BadInput, StringsThatAreNotUtf8) {
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

TEST_F(BadInput, BytesThatAreNoMessage) {
  const std::string cut = PutOf("/b", "value").SerializeAsString();
  for (const char* method : {"Get", "List", "Put", "Delete", "Transact"}) {
    for (const std::string& bytes :
         {cut.substr(0, cut.size() - 1), std::string("\xff"), std::string("\x0a\xff\xff\xff\xff\x0f", 6), std::string(1000, '\xff')}) {
      SCOPED_TRACE(method);
      ExpectFailure(client().SendBytes(method, bytes), StatusCode::INVALID_ARGUMENT, "MALFORMED_REQUEST");
    }
  }
}

TEST_F(BadInput, EmptyMessages) {
  for (const char* method : {"Get", "Delete"}) {
    ExpectFailure(client().SendBytes(method, ""), StatusCode::INVALID_ARGUMENT, "INVALID_KEY", {"key"});
  }
  ExpectFailure(client().SendBytes("List", ""), StatusCode::INVALID_ARGUMENT, "INVALID_KEY", {"parent"});
  ExpectFailure(client().SendBytes("Put", ""), StatusCode::INVALID_ARGUMENT, "INVALID_KEY", {"key", "text|data"});
  EXPECT_TRUE(client().SendBytes("Transact", "").ok());
}

TEST_F(BadInput, RequestsOverTwoMebibytes) {
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

TEST_F(BadInput, MethodsThatAreNone) {
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
  ExpectFailure(past, StatusCode::OUT_OF_RANGE, "COMPACTED", failure.fields);
  EXPECT_GT(std::stoll(failure.metadata.at("oldest_revision")), 5);
  EXPECT_EQ(failure.metadata.at("revision"), "21");
  ExpectFailure(client().List("/", wire::SCOPE_CHILDREN, 5).status, StatusCode::OUT_OF_RANGE, "COMPACTED", failure.fields);
  EXPECT_EQ(client().TextAt("/a"), "19");
}

}  // namespace
}  // namespace scoutlight::testing

// Fields whose values break a rule.
#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/e2e/bad_input.h"

namespace scoutlight::testing {
namespace {

class BadFields : public BadInputTest {};

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

TEST_F(BadFields, ValuesOverAMebibyte) {
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

TEST_F(BadFields, NumbersOutOfRange) {
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

TEST_F(BadFields, EnumsThatAreNone) {
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

TEST_F(BadFields, ChoicesThatAreNotMade) {
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

TEST_F(BadFields, FieldsThatDoNotGoTogether) {
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

TEST_F(BadFields, EveryViolatedFieldIsNamed) {
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

TEST_F(BadFields, ManyViolatedFieldsStillFitIntoAnAnswer) {
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

}  // namespace
}  // namespace scoutlight::testing

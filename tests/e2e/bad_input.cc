#include "tests/e2e/bad_input.h"

namespace scoutlight::testing {

void ExpectRefused(Client& client, const std::vector<BadCase>& cases) {
  for (const BadCase& c : cases) {
    SCOPED_TRACE(c.name);
    ExpectFailure(c.send(client), StatusCode::INVALID_ARGUMENT, c.reason, c.fields);
  }
}

grpc::Status Transact(Client& client, const std::function<void(wire::TransactRequest*)>& fill) {
  wire::TransactRequest request;
  fill(&request);
  return client.Send(request).status;
}

grpc::Status TransactOne(Client& client, bool on_success, const std::function<void(wire::Operation*)>& fill) {
  return Transact(client, [&](wire::TransactRequest* request) {
    auto* const operations = on_success ? request->mutable_on_success() : request->mutable_on_failure();
    operations->Add()->mutable_get()->set_key("/a");
    fill(operations->Add());
  });
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

}  // namespace scoutlight::testing

// Changes of schemas and bindings that a client asks for again after the server has died.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <memory>
#include <string>

#include "scoutlight/discovery/v1/schema.grpc.pb.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/failure.h"

namespace scoutlight::testing {
namespace {

namespace disco = discovery::v1;

using Stub = disco::SchemaService::Stub;

class SchemaRequests : public ServedTest {
 protected:
  SchemaRequests() { Connect(); }

  void Connect() {
    stub_ = disco::SchemaService::NewStub(client().channel());
    // The schemas are read in the background.
    EXPECT_TRUE(WaitUntil([this] {
      disco::ListBindingsResponse bindings;
      return Call(&Stub::ListBindings, disco::ListBindingsRequest(), &bindings).ok();
    }));
  }
  void KillAndConnect() {
    stub_.reset();
    KillAndRestart();
    Connect();
  }

  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request,
                    Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(kCallTimeout));
    return (stub_.get()->*method)(&context, request, response);
  }
  // Sends `request`, which must succeed.
  template <typename Request, typename Response>
  Response Sent(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request) {
    Response response;
    const grpc::Status status = Call(method, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

 private:
  std::unique_ptr<Stub> stub_;
};

TEST_F(SchemaRequests, AreKnownAfterARestart) {
  disco::PutSchemaRequest put;
  put.set_document(R"({"name": "mine", "pattern": "/{cluster}/mine/{service}/{instance}/{property}"})");
  put.set_request_id("put");
  disco::PutSchemaResponse stored = Sent(&Stub::PutSchema, put);
  EXPECT_FALSE(stored.replayed());
  disco::PutBindingRequest bind;
  bind.mutable_binding()->set_service("Scanner");
  bind.mutable_binding()->set_schema("mine");
  bind.set_request_id("bind");
  disco::PutBindingResponse bound = Sent(&Stub::PutBinding, bind);
  KillAndConnect();
  // Somebody else's.
  disco::PutBindingRequest unbind;
  unbind.mutable_binding()->set_service("Scanner");
  EXPECT_FALSE(Sent(&Stub::PutBinding, unbind).unchanged());
  disco::DeleteSchemaRequest remove;
  remove.set_name("mine");
  remove.set_request_id("delete");
  disco::DeleteSchemaResponse deleted = Sent(&Stub::DeleteSchema, remove);
  EXPECT_TRUE(deleted.found());
  KillAndConnect();
  stored.set_replayed(true);
  EXPECT_EQ(Sent(&Stub::PutSchema, put).ShortDebugString(), stored.ShortDebugString());
  bound.set_replayed(true);
  EXPECT_EQ(Sent(&Stub::PutBinding, bind).ShortDebugString(), bound.ShortDebugString());
  deleted.set_replayed(true);
  EXPECT_EQ(Sent(&Stub::DeleteSchema, remove).ShortDebugString(), deleted.ShortDebugString());
  disco::GetSchemaRequest get;
  get.set_name("mine");
  get.set_min_revision(deleted.revision());
  disco::GetSchemaResponse got;
  ExpectFailure(Call(&Stub::GetSchema, get, &got), grpc::StatusCode::NOT_FOUND, "SCHEMA_NOT_FOUND");
  put.set_document(R"({"name": "mine", "pattern": "/{cluster}/other/{service}/{instance}/{property}"})");
  ExpectFailure(Call(&Stub::PutSchema, put, &stored), grpc::StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED", {"request_id"});
}

}  // namespace
}  // namespace scoutlight::testing

// Changes that are asked for again with the same request_id.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "discovery/system_records.h"
#include "server/discovery/schema_service_fixture.h"

namespace scoutlight::server {
namespace {

using discovery::Binding;
using ::testing::ElementsAre;

class SchemaRequestsTest : public SchemaServiceTest {
 protected:
  static wire::PutSchemaRequest PutOf(const std::string& document, const std::string& id) {
    wire::PutSchemaRequest request;
    request.set_document(document);
    request.set_request_id(id);
    return request;
  }
  static wire::DeleteSchemaRequest DeleteOf(const std::string& name, const std::string& id) {
    wire::DeleteSchemaRequest request;
    request.set_name(name);
    request.set_request_id(id);
    return request;
  }
  static wire::PutBindingRequest BindOf(const Binding& binding, const std::string& id) {
    wire::PutBindingRequest request;
    request.mutable_binding()->set_cluster(binding.cluster);
    request.mutable_binding()->set_service(binding.service);
    request.mutable_binding()->set_schema(binding.schema);
    request.set_request_id(id);
    return request;
  }
  // Each must succeed.
  wire::PutSchemaResponse Send(const wire::PutSchemaRequest& request) { return Sent(&Stub::PutSchema, request); }
  wire::DeleteSchemaResponse Send(const wire::DeleteSchemaRequest& request) { return Sent(&Stub::DeleteSchema, request); }
  wire::PutBindingResponse Send(const wire::PutBindingRequest& request) { return Sent(&Stub::PutBinding, request); }

  // Sends `request`, which has been answered with `first`, again: its answer is the same, and nothing changes.
  template <typename Request, typename Response>
  void ExpectReplayed(const Request& request, Response first) {
    const Revision before = sync_.Latest();
    first.set_replayed(true);
    first.set_applied(true);
    EXPECT_EQ(Send(request).ShortDebugString(), first.ShortDebugString());
    EXPECT_EQ(sync_.Latest(), before);
  }

 private:
  template <typename Request, typename Response>
  Response Sent(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request) {
    Response response;
    const grpc::Status status = Call(method, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
};

TEST_F(SchemaRequestsTest, ARepeatedRequestGetsItsFirstAnswer) {
  StartAndLoad();
  const auto put = PutOf(kMine, "put");
  const wire::PutSchemaResponse stored = Send(put);
  EXPECT_FALSE(stored.replayed());
  ExpectReplayed(put, stored);
  const auto bind = BindOf({"c", "s", "mine"}, "bind");
  const wire::PutBindingResponse bound = Send(bind);
  EXPECT_FALSE(bound.replayed());
  ExpectReplayed(bind, bound);
  const auto unbind = BindOf({"c", "s", ""}, "unbind");
  ExpectReplayed(unbind, Send(unbind));
  const auto remove = DeleteOf("mine", "delete");
  const wire::DeleteSchemaResponse deleted = Send(remove);
  EXPECT_TRUE(deleted.found());
  EXPECT_FALSE(deleted.replayed());
  ExpectReplayed(remove, deleted);
}

TEST_F(SchemaRequestsTest, WhatOthersHaveDoneSinceStays) {
  StartAndLoad();
  const auto put = PutOf(kMine, "put");
  const wire::PutSchemaResponse stored = Send(put);
  // Nothing may follow this one that takes more away from it: put again, it would break.
  const auto wider = PutOf(R"({"name": "mine", "pattern": "/{cluster}/mine/{service}/{instance}/{property}"})", "wider");
  const wire::PutSchemaResponse changed = Send(wider);
  EXPECT_EQ(changed.version(), 2);
  ExpectReplayed(put, stored);
  const auto bind = BindOf({"c", "s", "mine"}, "bind");
  const wire::PutBindingResponse bound = Send(bind);
  Send(BindOf({"c", "s", ""}, ""));
  ExpectReplayed(bind, bound);
  const auto remove = DeleteOf("mine", "delete");
  const wire::DeleteSchemaResponse deleted = Send(remove);
  // The schema is gone, and the schema that it named with it.
  ExpectReplayed(bind, bound);
  ExpectReplayed(put, stored);
  ExpectReplayed(wider, changed);
  EXPECT_FALSE(sync_.Get(discovery::SchemaKey("mine")).has_value());
  // It is there again, and in use.
  Send(PutOf(kMine, ""));
  sync_.Put(discovery::InstanceRecordKey({"c", "s", "i"}), discovery::EncodeInstanceRecord({.session = "", .schema = "mine"}));
  ExpectReplayed(remove, deleted);
  Send(BindOf({"c", "s", "mine"}, ""));
  ExpectReplayed(remove, deleted);
  EXPECT_TRUE(sync_.Get(discovery::SchemaKey("mine")).has_value());
  wire::DeleteSchemaResponse refused;
  EXPECT_EQ(SeenOf(Delete("mine", &refused)).reason, "SCHEMA_IN_USE") << "without the id it is another request";
}

TEST_F(SchemaRequestsTest, OfAPutThatIsCompactedAwayItIsKnownThatItWasCarriedOut) {
  StartAndLoad();
  const auto put = PutOf(kMine, "put");
  const wire::PutSchemaResponse stored = Send(put);
  const auto wider = PutOf(R"({"name": "mine", "pattern": "/{cluster}/mine/{service}/{instance}/{property}"})", "wider");
  const wire::PutSchemaResponse changed = Send(wider);
  ASSERT_TRUE(sync_.Compact(stored.revision()).status.ok());
  ExpectReplayed(put, stored);
  ASSERT_TRUE(sync_.Compact(changed.revision()).status.ok());
  wire::PutSchemaResponse without = stored;
  without.clear_document();
  without.clear_version();
  ExpectReplayed(put, without);
  ExpectReplayed(wider, changed);
  wire::PutSchemaResponse reused;
  EXPECT_EQ(SeenOf(Call(&Stub::PutSchema, PutOf(kTwin, "put"), &reused)).reason, "REQUEST_ID_REUSED");
}

TEST_F(SchemaRequestsTest, AnIdBelongsToOneRequest) {
  StartAndLoad();
  Send(PutOf(kMine, "put"));
  Send(BindOf({"c", "s", "mine"}, "bind"));
  const Revision before = sync_.Latest();
  wire::PutSchemaResponse put;
  wire::DeleteSchemaResponse deleted;
  wire::PutBindingResponse bound;
  for (const grpc::Status& status :
       {Call(&Stub::PutSchema, PutOf(R"({"name": "mine", "pattern": "/{cluster}/mine/{service}/{instance}/{property}"})", "put"), &put),
        // These would be refused, changing nothing, or find nothing.
        Call(&Stub::PutSchema, PutOf(kTwin, "put"), &put), Call(&Stub::PutSchema, PutOf(kMine, "bind"), &put),
        Call(&Stub::DeleteSchema, DeleteOf("mine", "put"), &deleted), Call(&Stub::DeleteSchema, DeleteOf("absent", "put"), &deleted),
        Call(&Stub::PutBinding, BindOf({"c", "s", "absent"}, "bind"), &bound)}) {
    const Seen seen = SeenOf(status);
    EXPECT_EQ(seen.code, grpc::StatusCode::INVALID_ARGUMENT) << seen.message;
    EXPECT_EQ(seen.reason, "REQUEST_ID_REUSED");
    EXPECT_THAT(seen.fields, ElementsAre("request_id"));
  }
  EXPECT_EQ(sync_.Latest(), before);
}

TEST_F(SchemaRequestsTest, WhatHasChangedNothingIsNotRemembered) {
  StartAndLoad();
  Send(PutOf(kMine, ""));
  wire::PutSchemaResponse put;
  const auto twin = PutOf(kTwin, "twin");
  EXPECT_THAT(SeenOf(Call(&Stub::PutSchema, twin, &put)).fields, ElementsAre("pattern"));
  const auto again = PutOf(kMine, "again");
  EXPECT_TRUE(Send(again).unchanged());
  const auto absent = DeleteOf("twin", "absent");
  EXPECT_FALSE(Send(absent).found());
  Send(DeleteOf("mine", ""));
  const wire::PutSchemaResponse stored = Send(twin);
  EXPECT_FALSE(stored.replayed());
  EXPECT_EQ(stored.version(), 1);
  EXPECT_TRUE(Send(absent).found());
  const wire::PutSchemaResponse back = Send(again);
  EXPECT_FALSE(back.unchanged());
  EXPECT_FALSE(back.replayed());
}

TEST_F(SchemaRequestsTest, ATryThatFailedDoesNotCount) {
  StartAndLoad();
  busy_.Disturb(3);
  const auto put = PutOf(kMine, "put");
  const wire::PutSchemaResponse stored = Send(put);
  EXPECT_FALSE(stored.replayed());
  EXPECT_EQ(stored.revision(), sync_.Latest());
  ExpectReplayed(put, stored);
}

TEST_F(SchemaRequestsTest, LengthOfAnIdIsBounded) {
  StartAndLoad();
  const std::string longest(limits::kRequestIdBytesMax, 'x');
  wire::PutSchemaResponse put;
  wire::DeleteSchemaResponse deleted;
  wire::PutBindingResponse bound;
  for (const grpc::Status& status :
       {Call(&Stub::PutSchema, PutOf(kMine, longest + "x"), &put), Call(&Stub::DeleteSchema, DeleteOf("mine", longest + "x"), &deleted),
        Call(&Stub::PutBinding, BindOf({"c", "s", "none"}, longest + "x"), &bound)}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(SeenOf(status).fields, ElementsAre("request_id"));
  }
  EXPECT_EQ(sync_.Latest(), 1);
  ExpectReplayed(PutOf(kMine, longest), Send(PutOf(kMine, longest)));
}

}  // namespace
}  // namespace scoutlight::server

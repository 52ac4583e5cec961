// Schemas as they are put, read, listed and checked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "server/discovery/schema_service_fixture.h"

namespace scoutlight::server {
namespace {

using storage::K;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(SchemaServiceTest, StoresASchemaAndCountsItsVersions) {
  StartAndLoad();
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(R"({"name": "mine", "version": 77, "pattern": "/{cluster}/mine/{service}/{instance}/{property}"})", &put).ok());
  EXPECT_EQ(put.version(), 1);
  EXPECT_TRUE(put.applied());
  EXPECT_FALSE(put.unchanged());
  EXPECT_EQ(put.store_id(), store_->store_id());
  EXPECT_EQ(put.revision(), sync_.Latest());
  EXPECT_EQ(sync_.Get(K("/.scoutlight/schemas/mine"))->value.bytes, put.document());
  wire::PutSchemaResponse again;
  ASSERT_TRUE(Put(put.document(), &again).ok());
  EXPECT_TRUE(again.unchanged());
  EXPECT_TRUE(again.applied());
  EXPECT_EQ(again.version(), 1);
  EXPECT_EQ(sync_.Latest(), put.revision());
  // It takes all that was valid, so it may follow.
  ASSERT_TRUE(Put(R"({"name": "mine", "pattern": "/{cluster}/mine/{service}/{instance}/{property}", "strategy": "random"})", &put).ok());
  EXPECT_EQ(put.version(), 2);
  wire::GetSchemaResponse get;
  ASSERT_TRUE(Get("mine", &get).ok());
  EXPECT_EQ(get.schema().version(), 2);
  EXPECT_EQ(get.schema().document(), put.document());
  EXPECT_FALSE(get.schema().shipped());
  EXPECT_GE(get.revision(), put.revision());
}

TEST_F(SchemaServiceTest, RefusedSchemasChangeNothing) {
  StartAndLoad();
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(kMine, &put).ok());
  const Revision before = sync_.Latest();
  struct Case {
    const char* what;
    std::string document;
    grpc::StatusCode code;
    const char* reason;
    std::vector<std::string> fields;
  };
  const std::vector<Case> cases = {
      {"empty", "", grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"document"}},
      {"too long",
       std::string(limits::kSchemaDocumentBytesMax + 1, ' '),
       grpc::StatusCode::INVALID_ARGUMENT,
       "INVALID_FIELD",
       {"document"}},
      {"all mistakes at once",
       R"({"name": "none", "pattern": "x", "properties": {"p": {"type": "ship"}}, "strategy": "luck"})",
       grpc::StatusCode::INVALID_ARGUMENT,
       "INVALID_FIELD",
       {"name", "pattern", "properties.p.type", "strategy"}},
      {"shipped",
       R"({"name": "printers", "pattern": "/{cluster}/services/{service}/{instance}/{property}"})",
       grpc::StatusCode::FAILED_PRECONDITION,
       "SCHEMA_SHIPPED",
       {}},
      {"ambiguous", kTwin, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"pattern"}},
      {"breaks",
       R"({"name": "mine", "pattern": "/{cluster}/mine/{service}/{instance}", "serializer": "json",
           "properties": {"port": {"type": "port", "required": true}}, "extra_properties": false})",
       grpc::StatusCode::FAILED_PRECONDITION,
       "SCHEMA_BREAKS",
       {"pattern", "serializer", "properties.port.required", "extra_properties"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const Seen seen = SeenOf(Put(c.document, &put));
    EXPECT_EQ(seen.code, c.code) << seen.message;
    EXPECT_EQ(seen.reason, c.reason);
    EXPECT_EQ(seen.fields, c.fields);
    EXPECT_EQ(sync_.Latest(), before);
  }
  EXPECT_THAT(SeenOf(Put(kTwin, &put)).message, HasSubstr("twin and that of mine"));
}

// A schema with so many bytes of defaults.
std::string SchemaWithDefaults(size_t bytes) {
  std::string properties;
  for (int i = 0; i < 3; ++i) {
    const size_t part = i < 2 ? std::min<size_t>(bytes, 30'000) : bytes;
    absl::StrAppend(&properties, i == 0 ? "" : ",", "\"p", i, "\":{\"default\":\"", std::string(part, 'x'), "\"}");
    bytes -= part;
  }
  return absl::StrCat(R"({"name":"long","pattern":"/{cluster}/long/{service}/{instance}/{property}","properties":{)", properties, "}}");
}

TEST_F(SchemaServiceTest, ASchemaIsBoundedAsItIsStored) {
  StartAndLoad();
  const size_t more = Check(SchemaWithDefaults(40'000)).document().size() - 40'000;
  ASSERT_GT(more, SchemaWithDefaults(40'000).size() - 40'000) << "it is stored with what it leaves to defaults";
  const size_t most = limits::kSchemaDocumentBytesMax - more;
  wire::PutSchemaResponse put;
  const Revision before = sync_.Latest();
  const Seen seen = SeenOf(Put(SchemaWithDefaults(most + 1), &put));
  EXPECT_EQ(seen.code, grpc::StatusCode::INVALID_ARGUMENT) << seen.message;
  EXPECT_THAT(seen.fields, ElementsAre("document"));
  EXPECT_EQ(Check(SchemaWithDefaults(most + 1)).mistakes(0).field(), "document");
  EXPECT_EQ(sync_.Latest(), before);
  ASSERT_TRUE(Put(SchemaWithDefaults(most), &put).ok());
  EXPECT_EQ(put.document().size(), limits::kSchemaDocumentBytesMax);
  EXPECT_TRUE(put.applied());
  wire::GetSchemaResponse get;
  EXPECT_TRUE(Get("long", &get).ok()) << "it could be read again";
}

TEST_F(SchemaServiceTest, UnknownSchemaIsNotFound) {
  StartAndLoad();
  wire::GetSchemaResponse get;
  Seen seen = SeenOf(Get("mine", &get));
  EXPECT_EQ(seen.code, grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(seen.reason, "SCHEMA_NOT_FOUND");
  for (const char* name : {"", "none", "a/b"}) {
    seen = SeenOf(Get(name, &get));
    EXPECT_EQ(seen.code, grpc::StatusCode::INVALID_ARGUMENT) << name;
    EXPECT_THAT(seen.fields, ElementsAre("name")) << name;
  }
  ASSERT_TRUE(Get("printers", &get).ok());
  EXPECT_TRUE(get.schema().shipped());
}

TEST_F(SchemaServiceTest, SchemasAreListedByNameInPages) {
  StartAndLoad();
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(kMine, &put).ok());
  std::vector<std::string> names;
  wire::ListSchemasRequest request;
  request.set_page_size(3);
  wire::ListSchemasResponse response;
  ASSERT_TRUE(Call(&Stub::ListSchemas, request, &response).ok());
  for (const wire::Schema& schema : response.schemas()) names.push_back(schema.name());
  EXPECT_THAT(names, ElementsAre("members", "mine", "printers"));
  request.set_page_token(response.next_page_token());
  const std::string token = response.next_page_token();
  ASSERT_TRUE(Call(&Stub::ListSchemas, request, &response).ok());
  ASSERT_EQ(response.schemas_size(), 1);
  EXPECT_EQ(response.schemas(0).name(), "service");
  EXPECT_TRUE(response.schemas(0).shipped());
  EXPECT_EQ(response.next_page_token(), "");
  wire::ListBindingsRequest other;
  other.set_page_token(token);
  wire::ListBindingsResponse bindings;
  const Seen seen = SeenOf(Call(&Stub::ListBindings, other, &bindings));
  EXPECT_EQ(seen.reason, "INVALID_PAGE_TOKEN");
  request.set_page_token("");
  request.set_page_size(-1);
  EXPECT_THAT(SeenOf(Call(&Stub::ListSchemas, request, &response)).fields, ElementsAre("page_size"));
}

TEST_F(SchemaServiceTest, CheckSaysWhatPutWouldSayAndStoresNothing) {
  StartAndLoad();
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(kMine, &put).ok());
  const Revision before = sync_.Latest();
  EXPECT_EQ(Check("{").mistakes(0).field(), "document");
  EXPECT_EQ(Check(R"({"name": "members", "pattern": "/{cluster}/m/{service}/{instance}/{property}"})").mistakes(0).field(), "name");
  wire::CheckSchemaResponse check = Check(kTwin);
  ASSERT_EQ(check.mistakes_size(), 1);
  EXPECT_EQ(check.mistakes(0).field(), "pattern");
  EXPECT_EQ(check.document(), "");
  check = Check(R"({"name": "mine", "pattern": "/{cluster}/mine/{service}/{instance}/{property}", "extra_properties": false})");
  EXPECT_EQ(check.mistakes_size(), 0);
  ASSERT_EQ(check.breaks_size(), 2);
  EXPECT_EQ(check.breaks(0).field(), "extra_properties");
  EXPECT_EQ(check.breaks(1).field(), "properties.port");
  EXPECT_NE(check.document(), "");
  check = Check(kMine);
  EXPECT_EQ(check.document(), put.document());
  EXPECT_EQ(check.breaks_size(), 0);
  EXPECT_EQ(sync_.Latest(), before);
}

TEST_F(SchemaServiceTest, NothingIsAnsweredBeforeTheFirstReading) {
  busy_.HoldReads();
  Start();
  wire::PutSchemaResponse put;
  wire::GetSchemaResponse get;
  wire::DeleteSchemaResponse deleted;
  wire::PutBindingResponse bound;
  wire::ListBindingsResponse bindings;
  for (const grpc::Status& status : {Put(kMine, &put), Get("mine", &get), Delete("mine", &deleted), Bind({"c", "s", "none"}, &bound),
                                     Call(&Stub::ListBindings, wire::ListBindingsRequest(), &bindings)}) {
    const Seen seen = SeenOf(status);
    EXPECT_EQ(seen.code, grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(seen.reason, "CATALOG_LOADING");
  }
  EXPECT_EQ(sync_.Latest(), 1);
}

TEST_F(SchemaServiceTest, EachMethodAsksForItsRecords) {
  Mutex mu;
  std::vector<std::string> asked;
  StartAndLoad([&](const Identity&, absl::string_view method, const KeyRange& range) {
    MutexLock lock(&mu);
    asked.push_back(absl::StrCat(method, " ", range.key.path(), range.scope == Scope::kSubtree ? "/..." : ""));
    return absl::PermissionDeniedError("not you");
  });
  wire::PutSchemaResponse put;
  wire::GetSchemaResponse get;
  wire::DeleteSchemaResponse deleted;
  wire::PutBindingResponse bound;
  wire::ListSchemasResponse schemas;
  wire::ListBindingsResponse bindings;
  wire::CheckSchemaResponse check;
  for (const grpc::Status& status :
       {Put(kMine, &put), Get("mine", &get), Delete("mine", &deleted), Bind({"c", "*", "none"}, &bound),
        Call(&Stub::ListSchemas, wire::ListSchemasRequest(), &schemas), Call(&Stub::ListBindings, wire::ListBindingsRequest(), &bindings),
        Call(&Stub::CheckSchema, wire::CheckSchemaRequest(), &check)}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  }
  EXPECT_THAT(asked,
              ElementsAre("SchemaService/PutSchema /.scoutlight/schemas/mine", "SchemaService/GetSchema /.scoutlight/schemas/mine",
                          "SchemaService/DeleteSchema /.scoutlight/schemas/mine", "SchemaService/PutBinding /.scoutlight/bindings/c/*",
                          "SchemaService/ListSchemas /.scoutlight/schemas/...", "SchemaService/ListBindings /.scoutlight/bindings/...",
                          "SchemaService/CheckSchema /.scoutlight/schemas/..."));
  EXPECT_EQ(sync_.Latest(), 1);
}

}  // namespace
}  // namespace scoutlight::server

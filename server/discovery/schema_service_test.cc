#include "server/discovery/schema_service.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/system_records.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/forwarding_store.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {
namespace {

namespace wire = ::scoutlight::discovery::v1;
using discovery::Binding;
using storage::K;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Stub = wire::SchemaService::Stub;

constexpr char kMine[] = R"({"name": "mine", "pattern": "/{cluster}/mine/{service}/{instance}/{property}",
                             "properties": {"port": {"type": "port"}}})";
constexpr char kTwin[] = R"({"name": "twin", "pattern": "/{service}/mine/{cluster}/{instance}/{property}"})";

// A store that a test makes busy.
class BusyStore final : public storage::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  // Reads are not answered until the end.
  void HoldReads() { hold_ = true; }
  void LetReads() {
    hold_ = false;
    std::vector<std::pair<storage::Query, storage::Done<storage::Page>>> held;
    {
      MutexLock lock(&mu_);
      held = std::exchange(held_, {});
    }
    for (auto& [query, done] : held) store_.Read(std::move(query), std::move(done));
  }
  int commits() const { return commits_; }
  // Before each of the next `commits`, somebody else changes a binding.
  void Disturb(int commits) { disturbances_ = commits; }

  void Read(storage::Query query, storage::Done<storage::Page> done) override {
    if (!hold_) return store_.Read(std::move(query), std::move(done));
    MutexLock lock(&mu_);
    held_.emplace_back(std::move(query), std::move(done));
  }
  void Commit(storage::Transaction transaction, storage::Done<storage::CommitResult> done) override {
    ++commits_;
    if (disturbances_ > 0) {
      --disturbances_;
      storage::Transaction other =
          storage::TransactionOf({storage::PutOf(discovery::BindingKey("other", absl::StrCat("s", disturbances_.load())), "none"),
                                  storage::PutOf(discovery::SchemasTree(), "")});
      store_.Commit(std::move(other), [](const storage::CommitResult& result) { EXPECT_TRUE(result.status.ok()) << result.status; });
    }
    store_.Commit(std::move(transaction), std::move(done));
  }

 private:
  std::atomic<int> commits_ = 0;
  std::atomic<bool> hold_ = false;
  std::atomic<int> disturbances_ = 0;
  Mutex mu_;
  std::vector<std::pair<storage::Query, storage::Done<storage::Page>>> held_ ABSL_GUARDED_BY(mu_);
};

// An error as a caller sees it.
struct Seen {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string reason;
  std::vector<std::string> fields;
  std::string message;
};

Seen SeenOf(const grpc::Status& status) {
  Seen seen{.code = status.error_code(), .reason = {}, .fields = {}, .message = status.error_message()};
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  for (const google::protobuf::Any& detail : rich.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    if (detail.UnpackTo(&info)) seen.reason = info.reason();
    if (!detail.UnpackTo(&bad)) continue;
    for (const auto& violation : bad.field_violations()) seen.fields.push_back(violation.field());
  }
  return seen;
}

class SchemaServiceTest : public ::testing::Test {
 protected:
  SchemaServiceTest() : store_(storage::OpenMemoryStore(clock_)), busy_(store_.get()), sync_(store_.get()) {}
  ~SchemaServiceTest() override {
    if (server_ == nullptr) return;
    busy_.LetReads();
    feed_->Stop();
    server_->Shutdown();
  }

  void Start(Authorize authorize = nullptr) {
    CatalogFeedOptions options;
    options.clock = &clock_;
    options.retry_after = absl::Milliseconds(1);
    feed_ = std::make_shared<CatalogFeed>(&busy_, options, [](const std::vector<discovery::ServiceName>&) {});
    feed_->Start();
    store_->Follow(sync_.Latest(), feed_);
    admission_ = std::make_unique<Admission>(std::move(authorize));
    service_ = std::make_unique<SchemaService>(&busy_, feed_.get(), admission_.get());
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    stub_ = wire::SchemaService::NewStub(grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  void StartAndLoad(Authorize authorize = nullptr) {
    Start(std::move(authorize));
    ASSERT_TRUE(storage::AwaitCondition([this] { return feed_->catalog() != nullptr; }));
  }

  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request,
                    Response* response) {
    grpc::ClientContext context;
    return (stub_.get()->*method)(&context, request, response);
  }
  grpc::Status Put(const std::string& document, wire::PutSchemaResponse* response) {
    wire::PutSchemaRequest request;
    request.set_document(document);
    return Call(&Stub::PutSchema, request, response);
  }
  grpc::Status Get(const std::string& name, wire::GetSchemaResponse* response) {
    wire::GetSchemaRequest request;
    request.set_name(name);
    return Call(&Stub::GetSchema, request, response);
  }
  grpc::Status Delete(const std::string& name, wire::DeleteSchemaResponse* response) {
    wire::DeleteSchemaRequest request;
    request.set_name(name);
    return Call(&Stub::DeleteSchema, request, response);
  }
  grpc::Status Bind(const Binding& binding, wire::PutBindingResponse* response) {
    wire::PutBindingRequest request;
    request.mutable_binding()->set_cluster(binding.cluster);
    request.mutable_binding()->set_service(binding.service);
    request.mutable_binding()->set_schema(binding.schema);
    return Call(&Stub::PutBinding, request, response);
  }
  wire::CheckSchemaResponse Check(const std::string& document) {
    wire::CheckSchemaRequest request;
    request.set_document(document);
    wire::CheckSchemaResponse response;
    const grpc::Status status = Call(&Stub::CheckSchema, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  // "cluster/service=schema" of all, page by page.
  std::vector<std::string> Bindings(int page_size = 0) {
    std::vector<std::string> all;
    wire::ListBindingsRequest request;
    request.set_page_size(page_size);
    for (int pages = 0; pages < 100; ++pages) {
      wire::ListBindingsResponse response;
      const grpc::Status status = Call(&Stub::ListBindings, request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      for (const wire::Binding& binding : response.bindings()) {
        all.push_back(absl::StrCat(binding.cluster(), "/", binding.service(), "=", binding.schema()));
      }
      if (response.next_page_token().empty()) return all;
      EXPECT_EQ(response.bindings_size(), page_size);
      request.set_page_token(response.next_page_token());
    }
    ADD_FAILURE() << "no end of pages";
    return all;
  }

  storage::FakeClock clock_;
  std::unique_ptr<storage::Store> store_;
  BusyStore busy_;
  const storage::SyncStore sync_;
  std::shared_ptr<CatalogFeed> feed_;
  std::unique_ptr<Admission> admission_;
  std::unique_ptr<SchemaService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Stub> stub_;
};

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

TEST_F(SchemaServiceTest, DeletesASchemaThatNobodyUses) {
  StartAndLoad();
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(kMine, &put).ok());
  wire::PutBindingResponse bound;
  ASSERT_TRUE(Bind({"c", "*", "mine"}, &bound).ok());
  const Revision before = sync_.Latest();
  struct Case {
    const char* name;
    grpc::StatusCode code;
    const char* reason;
    std::vector<std::string> fields;
  };
  wire::DeleteSchemaResponse deleted;
  for (const Case& c : {Case{"mine", grpc::StatusCode::FAILED_PRECONDITION, "SCHEMA_IN_USE", {}},
                        Case{"members", grpc::StatusCode::FAILED_PRECONDITION, "SCHEMA_SHIPPED", {}},
                        Case{"no name", grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"name"}}}) {
    const Seen seen = SeenOf(Delete(c.name, &deleted));
    EXPECT_EQ(seen.code, c.code) << c.name;
    EXPECT_EQ(seen.reason, c.reason) << c.name;
    EXPECT_EQ(seen.fields, c.fields) << c.name;
  }
  EXPECT_THAT(SeenOf(Delete("mine", &deleted)).message, HasSubstr("c/*"));
  ASSERT_TRUE(Delete("absent", &deleted).ok());
  EXPECT_FALSE(deleted.found());
  EXPECT_EQ(sync_.Latest(), before);
  ASSERT_TRUE(Bind({"c", "*", ""}, &bound).ok());
  ASSERT_TRUE(Delete("mine", &deleted).ok());
  EXPECT_TRUE(deleted.found());
  EXPECT_TRUE(deleted.applied());
  EXPECT_EQ(deleted.revision(), sync_.Latest());
  EXPECT_FALSE(sync_.Get(K("/.scoutlight/schemas/mine")).has_value());
  EXPECT_EQ(feed_->claims().claims->FindSchema("mine"), nullptr);
}

// Whoever is recorded under it would leave keys that nobody knows.
TEST_F(SchemaServiceTest, SchemaWithInstancesIsNotDeleted) {
  StartAndLoad();
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(kMine, &put).ok());
  const auto record = [this](int i, const char* schema) {
    const Key key = discovery::InstanceRecordKey({"c", "s", absl::StrCat("i", absl::Dec(i, absl::kZeroPad4))});
    if (schema == nullptr) {
      sync_.Delete(key);
    } else {
      sync_.Put(key, discovery::EncodeInstanceRecord({.session = "mine", .schema = schema}));
    }
  };
  constexpr int kMax = limits::kSchemaUsersMax;
  // More than a page that do not count, then one that is no record.
  for (int i = 0; i < kMax + 1; ++i) record(i, "printers");
  sync_.Put(discovery::InstanceRecordKey({"c", "s", "broken"}), "mine");
  const struct {
    int users;
    const char* message;
  } cases[] = {
      {1, "schema mine is what 1 instance was registered under: c/s/i0001"},
      {2, "schema mine is what 2 instances were registered under, first of them c/s/i0001"},
      {kMax - 1, "schema mine is what 999 instances were registered under, first of them c/s/i0001"},
      {kMax, "schema mine is what at least 1000 instances were registered under, first of them c/s/i0001"},
  };
  int users = 0;
  wire::DeleteSchemaResponse deleted;
  for (const auto& one : cases) {
    while (users < one.users) record(++users, "mine");
    const Seen seen = SeenOf(Delete("mine", &deleted));
    EXPECT_EQ(seen.code, grpc::StatusCode::FAILED_PRECONDITION) << one.users;
    EXPECT_EQ(seen.reason, "SCHEMA_IN_USE");
    EXPECT_THAT(seen.fields, IsEmpty());
    EXPECT_EQ(seen.message, one.message);
    EXPECT_TRUE(sync_.Get(discovery::SchemaKey("mine")).has_value());
  }
  for (; users > 0; --users) record(users, users % 2 == 0 ? "printers" : nullptr);
  ASSERT_TRUE(Delete("mine", &deleted).ok());
  EXPECT_TRUE(deleted.found());
  // One that is not there is no error, whatever records say.
  record(1, "absent");
  ASSERT_TRUE(Delete("absent", &deleted).ok());
  EXPECT_FALSE(deleted.found());
}

TEST_F(SchemaServiceTest, SchemaThatCannotBeReadCanBeReplacedAndDeleted) {
  sync_.Put(discovery::SchemaKey("mine"), "{");
  sync_.Put(discovery::SchemaKey("bad"), "{");
  StartAndLoad();
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(kMine, &put).ok());
  EXPECT_EQ(put.version(), 1);
  wire::DeleteSchemaResponse deleted;
  ASSERT_TRUE(Delete("bad", &deleted).ok());
  EXPECT_TRUE(deleted.found());
}

TEST_F(SchemaServiceTest, BindingIsInForceWithItsAnswer) {
  sync_.Put(K("/c/services/s/i/port"), "80");
  sync_.Put(K("/c/service/s/j/port"), "80");
  StartAndLoad();
  wire::PutBindingResponse bound;
  ASSERT_TRUE(Bind({"c", "s", "service"}, &bound).ok());
  EXPECT_TRUE(bound.applied());
  EXPECT_FALSE(bound.unchanged());
  EXPECT_NE(feed_->catalog()->Find("c", "s")->Find("j"), nullptr);
  ASSERT_TRUE(Bind({"c", "s", "service"}, &bound).ok());
  EXPECT_TRUE(bound.unchanged());
  ASSERT_TRUE(Bind({"c", "s", "none"}, &bound).ok());
  EXPECT_EQ(feed_->catalog()->Find("c", "s"), nullptr);
  ASSERT_TRUE(Bind({"c", "s", ""}, &bound).ok());
  EXPECT_FALSE(bound.unchanged());
  EXPECT_NE(feed_->catalog()->Find("c", "s")->Find("i"), nullptr);
  const Revision before = sync_.Latest();
  ASSERT_TRUE(Bind({"c", "s", ""}, &bound).ok());
  EXPECT_TRUE(bound.unchanged());
  EXPECT_EQ(sync_.Latest(), before);
}

TEST_F(SchemaServiceTest, RefusedBindingsChangeNothing) {
  StartAndLoad();
  const Revision before = sync_.Latest();
  struct Case {
    Binding binding;
    grpc::StatusCode code;
    const char* reason;
    std::vector<std::string> fields;
  };
  wire::PutBindingResponse bound;
  for (const Case& c : {Case{{"c", "s", "mine"}, grpc::StatusCode::FAILED_PRECONDITION, "SCHEMA_NOT_FOUND", {"binding.schema"}},
                        Case{{".scoutlight", "", "a b"},
                             grpc::StatusCode::INVALID_ARGUMENT,
                             "INVALID_FIELD",
                             {"binding.cluster", "binding.service", "binding.schema"}},
                        Case{{"a/b", "s", "none"}, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"binding.cluster"}}}) {
    const Seen seen = SeenOf(Bind(c.binding, &bound));
    EXPECT_EQ(seen.code, c.code) << c.binding.cluster;
    EXPECT_EQ(seen.reason, c.reason) << c.binding.cluster;
    EXPECT_EQ(seen.fields, c.fields) << c.binding.cluster;
    EXPECT_EQ(sync_.Latest(), before);
  }
}

TEST_F(SchemaServiceTest, MostSpecificBindingsComeFirst) {
  StartAndLoad();
  EXPECT_THAT(Bindings(), ElementsAre("*/*=printers"));
  wire::PutBindingResponse bound;
  for (const Binding& binding : {Binding{"*", "s", "service"}, Binding{"d", "*", "members"}, Binding{"c", "*", "service"},
                                 Binding{"d", "a", "none"}, Binding{"", "s", "members"}}) {
    ASSERT_TRUE(Bind(binding, &bound).ok());
  }
  const auto all = ElementsAre("d/a=none", "default/s=members", "c/*=service", "d/*=members", "*/s=service", "*/*=printers");
  EXPECT_THAT(Bindings(), all);
  EXPECT_THAT(Bindings(1), all);
  EXPECT_THAT(Bindings(4), all);
  // What holds by default is not stored, and comes back when another is taken away.
  ASSERT_TRUE(Bind({"*", "*", "members"}, &bound).ok());
  EXPECT_EQ(Bindings().back(), "*/*=members");
  ASSERT_TRUE(Bind({"*", "*", "printers"}, &bound).ok());
  EXPECT_THAT(Bindings(), all);
  EXPECT_FALSE(sync_.Get(discovery::BindingKey("*", "*")).has_value());
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

TEST_F(SchemaServiceTest, OfTwoThatDoNotFitTogetherOneIsStored) {
  StartAndLoad();
  for (int round = 0; round < 20; ++round) {
    grpc::Status status[2];
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([this, i, &status] {
        wire::PutSchemaResponse put;
        status[i] = Put(i == 0 ? kMine : kTwin, &put);
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_NE(status[0].ok(), status[1].ok()) << status[0].error_message() << status[1].error_message();
    EXPECT_THAT(SeenOf(status[status[0].ok() ? 1 : 0]).fields, ElementsAre("pattern"));
    wire::DeleteSchemaResponse deleted;
    ASSERT_TRUE(Delete(status[0].ok() ? "mine" : "twin", &deleted).ok());
    ASSERT_TRUE(deleted.found());
  }
}

TEST_F(SchemaServiceTest, ChangesThatComeBetweenAreWaitedForAFewTimes) {
  StartAndLoad();
  busy_.Disturb(7);
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(kMine, &put).ok());
  EXPECT_TRUE(put.applied());
  busy_.Disturb(8);
  wire::DeleteSchemaResponse deleted;
  const Seen seen = SeenOf(Delete("mine", &deleted));
  EXPECT_EQ(seen.code, grpc::StatusCode::ABORTED);
  EXPECT_EQ(seen.reason, "CONTENDED");
  EXPECT_TRUE(sync_.Get(discovery::SchemaKey("mine")).has_value());
}

TEST_F(SchemaServiceTest, ChangeThatIsNotInForceInTimeIsStored) {
  StartAndLoad();
  busy_.HoldReads();
  wire::PutBindingResponse bound;
  std::thread caller([&] { EXPECT_TRUE(Bind({"c", "*", "members"}, &bound).ok()); });
  ASSERT_TRUE(storage::AwaitCondition([&] { return sync_.Get(discovery::BindingKey("c", "*")).has_value(); }));
  // It may not have begun to wait: time goes on until the answer is there.
  std::atomic<bool> answered = false;
  std::thread time([&] {
    while (!answered) clock_.AdvanceAndWaitUntilSeen(absl::Seconds(1));
  });
  caller.join();
  answered = true;
  time.join();
  EXPECT_FALSE(bound.applied());
  EXPECT_EQ(bound.revision(), sync_.Latest());
  EXPECT_THAT(Bindings(), ElementsAre("*/*=printers"));
  busy_.LetReads();
  ASSERT_TRUE(storage::AwaitCondition([&] { return feed_->claims().revision >= bound.revision(); }));
  EXPECT_THAT(Bindings(), ElementsAre("c/*=members", "*/*=printers"));
}

TEST_F(SchemaServiceTest, WhatIsInForceYetIsNotTakenForWhatIsStored) {
  StartAndLoad();
  wire::PutBindingResponse bound;
  ASSERT_TRUE(Bind({"c", "*", "service"}, &bound).ok());
  busy_.HoldReads();
  // Somebody else, who does not wait.
  std::vector<storage::Operation> writes = {storage::PutOf(discovery::BindingKey("c", "*"), "members"),
                                            storage::PutOf(discovery::SchemasTree(), "")};
  ASSERT_TRUE(sync_.Commit(storage::TransactionOf(std::move(writes))).status.ok());
  const int before = busy_.commits();
  wire::PutBindingResponse back;
  std::atomic<bool> answered = false;
  std::thread caller([&] {
    EXPECT_TRUE(Bind({"c", "*", "service"}, &back).ok());
    answered = true;
  });
  ASSERT_TRUE(storage::AwaitCondition([&] { return answered || busy_.commits() > before; }));
  busy_.LetReads();
  caller.join();
  EXPECT_FALSE(back.unchanged());
  EXPECT_EQ(sync_.Get(discovery::BindingKey("c", "*"))->value.bytes, "service");
  EXPECT_THAT(Bindings(), ElementsAre("c/*=service", "*/*=printers"));
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

TEST_F(SchemaServiceTest, NumberOfSchemasAndBindingsIsBounded) {
  const int own = limits::kSchemasMax - 3;  // Beside those shipped.
  const auto document = [](int i) {
    return absl::StrCat(R"({"name": "s)", i, R"(", "pattern": "/{cluster}/services/{service}/{instance}/{property}"})");
  };
  std::vector<storage::Operation> puts;
  for (int i = 0; i < own; ++i) puts.push_back(storage::PutOf(discovery::SchemaKey(absl::StrCat("s", i)), document(i)));
  ASSERT_TRUE(sync_.Commit(storage::TransactionOf(std::move(puts))).status.ok());
  for (int block = 0; block < 10; ++block) {
    puts.clear();
    for (int i = 0; i < limits::kBindingsMax / 10; ++i) {
      puts.push_back(storage::PutOf(discovery::BindingKey(absl::StrCat("c", block), absl::StrCat("s", i)), "none"));
    }
    ASSERT_TRUE(sync_.Commit(storage::TransactionOf(std::move(puts))).status.ok());
  }
  StartAndLoad();
  wire::PutSchemaResponse put;
  Seen seen = SeenOf(Put(document(own), &put));
  EXPECT_EQ(seen.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(seen.message, HasSubstr("are 1001, at most 1000 are allowed"));
  wire::PutBindingResponse bound;
  seen = SeenOf(Bind({"new", "s", "none"}, &bound));
  EXPECT_EQ(seen.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(seen.message, HasSubstr("are 10000 already, at most 10000 are allowed"));
  // One that is there can be changed, and makes room when it goes.
  ASSERT_TRUE(Bind({"c0", "s0", "s1"}, &bound).ok());
  ASSERT_TRUE(Bind({"c0", "s0", ""}, &bound).ok());
  ASSERT_TRUE(Bind({"new", "s", "none"}, &bound).ok());
  EXPECT_EQ(Bindings(1'000).size(), static_cast<size_t>(limits::kBindingsMax) + 1);
  wire::DeleteSchemaResponse deleted;
  ASSERT_TRUE(Delete("s7", &deleted).ok());
  ASSERT_TRUE(Put(document(own), &put).ok());
}

}  // namespace
}  // namespace scoutlight::server

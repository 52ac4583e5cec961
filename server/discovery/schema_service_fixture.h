// What the tests of SchemaService share: one over a memory store that a test can make busy, behind a server of its own.
#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_SERVICE_FIXTURE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_SERVICE_FIXTURE_H_

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/reader_pool.h"
#include "discovery/bindings.h"
#include "discovery/system_records.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/admission.h"
#include "server/discovery/catalog_feed.h"
#include "server/discovery/schema_service.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/forwarding_store.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {

namespace wire = ::scoutlight::discovery::v1;
using Stub = wire::SchemaService::Stub;

inline constexpr char kMine[] = R"({"name": "mine", "pattern": "/{cluster}/mine/{service}/{instance}/{property}",
                             "properties": {"port": {"type": "port"}}})";
inline constexpr char kTwin[] = R"({"name": "twin", "pattern": "/{service}/mine/{cluster}/{instance}/{property}"})";

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
  size_t held() {
    MutexLock lock(&mu_);
    return held_.size();
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
  bool retry = false;  // It says when to come again.
};

inline Seen SeenOf(const grpc::Status& status) {
  Seen seen{.code = status.error_code(), .reason = {}, .fields = {}, .message = status.error_message(), .retry = false};
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  for (const google::protobuf::Any& detail : rich.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info)) seen.reason = info.reason();
    if (detail.UnpackTo(&retry)) seen.retry = true;
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
    service_ = std::make_unique<SchemaService>(
        SchemaService::Parts{.store = &busy_, .admission = admission_.get(), .feed = feed_.get(), .readers = &readers_});
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
  grpc::Status Bind(const discovery::Binding& binding, wire::PutBindingResponse* response) {
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
  ReaderPool readers_{1, 1};
  std::unique_ptr<SchemaService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Stub> stub_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SCHEMA_SERVICE_FIXTURE_H_

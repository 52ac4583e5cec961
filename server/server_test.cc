#include "server/server.h"

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "scoutlight/discovery/v1/discovery.grpc.pb.h"
#include "scoutlight/registry/v1/lease.grpc.pb.h"
#include "scoutlight/registry/v1/registry.grpc.pb.h"
#include "server/server_fixture.h"
#include "storage/testing/await.h"

namespace scoutlight::server {
namespace {

namespace wire = ::scoutlight::registry::v1;

struct Unpacked {
  google::rpc::ErrorInfo info;
  google::rpc::ResourceInfo resource;
  google::rpc::BadRequest bad;
  bool says_when_to_retry = false;
};

Unpacked Unpack(const grpc::Status& status) {
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  Unpacked unpacked;
  for (const google::protobuf::Any& detail : rich.details()) {
    if (detail.Is<google::rpc::ErrorInfo>()) detail.UnpackTo(&unpacked.info);
    if (detail.Is<google::rpc::ResourceInfo>()) detail.UnpackTo(&unpacked.resource);
    if (detail.Is<google::rpc::BadRequest>()) detail.UnpackTo(&unpacked.bad);
    if (detail.Is<google::rpc::RetryInfo>()) unpacked.says_when_to_retry = true;
  }
  return unpacked;
}

TEST_F(ServerTest, StoresAndShowsAnEntry) {
  Start();
  wire::PutResponse put;
  ASSERT_TRUE(Put("/a/b", "v", &put).ok());
  EXPECT_EQ(put.revision(), 2);
  EXPECT_EQ(put.version(), 1);
  EXPECT_EQ(put.store_id(), kTestStoreId);
  wire::GetResponse get;
  ASSERT_TRUE(Get("a/b/", &get).ok());
  EXPECT_EQ(get.entry().key(), "/a/b");
  EXPECT_EQ(get.entry().text(), "v");
  EXPECT_EQ(get.entry().create_revision(), 2);
  EXPECT_EQ(get.revision(), 2);
}

TEST_F(ServerTest, BranchesAndMissingKeysAreNotFound) {
  Start();
  wire::PutResponse put;
  ASSERT_TRUE(Put("/a/b", "v", &put).ok());
  for (const std::string key : {"/a", "/nothing"}) {
    wire::GetResponse get;
    const grpc::Status status = Get(key, &get);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << key;
    const Unpacked unpacked = Unpack(status);
    EXPECT_EQ(unpacked.info.reason(), "KEY_NOT_FOUND");
    EXPECT_EQ(unpacked.info.metadata().at("revision"), "2");
    EXPECT_EQ(unpacked.info.metadata().at("store_id"), kTestStoreId);
    EXPECT_EQ(unpacked.resource.resource_name(), key);
  }
}

TEST_F(ServerTest, PagesShowTheStateOfTheFirst) {
  Start();
  wire::PutResponse put;
  for (const char* key : {"/p/a", "/p/b", "/p/c"}) ASSERT_TRUE(Put(key, "v", &put).ok());
  wire::ListRequest request;
  request.set_parent("/p");
  request.set_page_size(2);
  wire::ListResponse first;
  ASSERT_TRUE(List(request, &first).ok());
  ASSERT_EQ(first.entries_size(), 2);
  ASSERT_TRUE(Put("/p/d", "late", &put).ok());
  request.set_page_token(first.next_page_token());
  wire::ListResponse second;
  ASSERT_TRUE(List(request, &second).ok());
  ASSERT_EQ(second.entries_size(), 1);
  EXPECT_EQ(second.entries(0).key(), "/p/c");
  EXPECT_EQ(second.revision(), first.revision());
  EXPECT_EQ(second.next_page_token(), "");
  request.set_parent("/q");
  EXPECT_EQ(Unpack(List(request, &second)).info.reason(), "INVALID_PAGE_TOKEN");
}

TEST_F(ServerTest, ValidateOnlyDeletesNothingAndAnswersAsIf) {
  Start();
  wire::PutResponse put;
  for (const char* key : {"/p", "/p/a", "/p/b/deep", "/q"}) ASSERT_TRUE(Put(key, "v", &put).ok());
  for (const wire::Scope scope : {wire::SCOPE_KEY, wire::SCOPE_CHILDREN, wire::SCOPE_SUBTREE}) {
    wire::DeleteRequest request;
    request.set_key("/p");
    request.set_scope(scope);
    request.set_return_previous(true);
    request.set_validate_only(true);
    wire::DeleteResponse preview;
    ASSERT_TRUE(Delete(request, &preview).ok());
    EXPECT_EQ(preview.revision(), put.revision());
    request.set_validate_only(false);
    wire::DeleteResponse done;
    ASSERT_TRUE(Delete(request, &done).ok());
    EXPECT_GT(done.revision(), put.revision());
    preview.set_revision(done.revision());
    EXPECT_EQ(preview.DebugString(), done.DebugString());
    for (const wire::Entry& entry : done.previous()) ASSERT_TRUE(Put(entry.key(), "v", &put).ok());
  }
}

TEST_F(ServerTest, ValidateOnlyChecksTheExpectation) {
  Start();
  wire::PutResponse put;
  ASSERT_TRUE(Put("/a", "v", &put).ok());
  wire::DeleteRequest request;
  request.set_key("/a");
  request.set_expected_mod_revision(put.revision() + 1);
  wire::DeleteResponse response;
  for (const bool validate_only : {true, false}) {
    request.set_validate_only(validate_only);
    const grpc::Status status = Delete(request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_EQ(Unpack(status).info.reason(), "CONDITION_FAILED");
  }
  request.set_validate_only(true);
  request.set_expected_mod_revision(put.revision());
  ASSERT_TRUE(Delete(request, &response).ok());
  EXPECT_EQ(response.deleted(), 1);
}

TEST_F(ServerTest, RepeatedRequestGetsTheFirstAnswer) {
  Start();
  wire::PutRequest request;
  request.set_key("/a");
  request.set_text("v");
  request.set_request_id("once");
  wire::PutResponse first;
  wire::PutResponse second;
  ASSERT_TRUE(Call(&wire::RegistryService::Stub::Put, request, &first).ok());
  ASSERT_TRUE(Call(&wire::RegistryService::Stub::Put, request, &second).ok());
  EXPECT_FALSE(first.replayed());
  EXPECT_TRUE(second.replayed());
  EXPECT_EQ(second.revision(), first.revision());
  EXPECT_EQ(second.version(), 1);
  request.set_text("other");
  const grpc::Status status = Call(&wire::RegistryService::Stub::Put, request, &second);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Unpack(status).info.reason(), "REQUEST_ID_REUSED");
}

TEST_F(ServerTest, TransactionAnswersEveryOperation) {
  Start();
  wire::TransactRequest request;
  request.add_on_success()->mutable_put()->set_key("/a");
  request.mutable_on_success(0)->mutable_put()->set_data("\xff");
  request.add_on_success()->mutable_get()->set_key("/a");
  request.add_on_success()->mutable_get()->set_key("/b");
  request.add_on_success()->mutable_list()->set_parent("/");
  request.mutable_on_success(3)->mutable_list()->set_keys_only(true);
  request.add_on_success()->mutable_delete_()->set_key("/c");
  wire::TransactResponse response;
  ASSERT_TRUE(Call(&wire::RegistryService::Stub::Transact, request, &response).ok());
  EXPECT_TRUE(response.succeeded());
  ASSERT_EQ(response.results_size(), 5);
  EXPECT_EQ(response.results(0).put().version(), 1);
  EXPECT_EQ(response.results(1).get().entry().data(), "\xff");
  EXPECT_TRUE(response.results(2).has_get());
  EXPECT_FALSE(response.results(2).get().has_entry());
  ASSERT_EQ(response.results(3).list().entries_size(), 1);
  EXPECT_EQ(response.results(3).list().entries(0).content_case(), wire::Entry::CONTENT_NOT_SET);
  EXPECT_TRUE(response.results(4).has_delete_());
}

TEST_F(ServerTest, MalformedBytesAreTheCallersMistakeInEveryMethod) {
  Start();
  for (const char* method : {"Get", "List", "Put", "Delete", "Transact"}) {
    SCOPED_TRACE(method);
    const grpc::Status garbage = CallRaw(method, "\xff\xff\xff\xff");
    EXPECT_EQ(garbage.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(Unpack(garbage).info.reason(), "MALFORMED_REQUEST");
    const grpc::Status large = CallRaw(method, std::string(limits::kRequestBytesMax + 1, '\0'));
    EXPECT_EQ(large.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(Unpack(large).info.reason(), "REQUEST_TOO_LARGE");
    EXPECT_EQ(CallRaw(method, std::string(5 * limits::kMiB, '\0')).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  const grpc::Status bad_text = CallRaw("Get", "\x0a\x02/\xff");
  EXPECT_EQ(Unpack(bad_text).info.reason(), "MALFORMED_REQUEST");
  EXPECT_EQ(Unpack(bad_text).bad.field_violations(0).field(), "key");
}

TEST_F(ServerTest, CompressedMessagesAreRefusedUnread) {
  Start();
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  wire::PutRequest request;
  request.set_key("/a");
  request.set_text(std::string(limits::kMiB, 'x'));
  wire::PutResponse response;
  EXPECT_EQ(stub_->Put(&context, request, &response).error_code(), grpc::StatusCode::UNIMPLEMENTED);
  wire::GetResponse get;
  EXPECT_EQ(Get("/a", &get).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServerTest, EveryMethodAsksForEveryRange) {
  struct Asked {
    std::string method;
    KeyRange range;
  };
  std::vector<Asked> asked;
  Start([&asked](const Identity& identity, absl::string_view method, const KeyRange& range) {
    EXPECT_EQ(identity.name, "127.0.0.1");
    EXPECT_NE(identity.connection, 0u);
    asked.push_back({std::string(method), range});
    // Refuses what lies in /secret.
    return range.key.path() == "/secret" ? absl::PermissionDeniedError("not yours") : absl::OkStatus();
  });
  wire::GetRequest get;
  get.set_key("/secret");
  wire::ListRequest list;
  list.set_parent("/secret");
  wire::PutRequest put;
  put.set_key("/secret");
  put.set_text("v");
  wire::DeleteRequest removal;
  removal.set_key("/secret");
  wire::TransactRequest transact;
  transact.add_on_success()->mutable_get()->set_key("/open");
  transact.add_on_failure()->mutable_get()->set_key("/secret");
  wire::GetResponse got;
  wire::ListResponse listed;
  wire::PutResponse stored;
  wire::DeleteResponse removed;
  wire::TransactResponse transacted;
  const std::pair<std::string, grpc::Status> kAnswers[] = {
      {"RegistryService/Get", Call(&wire::RegistryService::Stub::Get, get, &got)},
      {"RegistryService/List", List(list, &listed)},
      {"RegistryService/Put", Call(&wire::RegistryService::Stub::Put, put, &stored)},
      {"RegistryService/Delete", Delete(removal, &removed)},
      {"RegistryService/Transact", Call(&wire::RegistryService::Stub::Transact, transact, &transacted)},
  };
  grpc::ClientContext watch_context;
  wire::WatchRequest watch;
  watch.set_key("/secret");
  wire::WatchResponse never;
  const auto watching = stub_->Watch(&watch_context, watch);
  EXPECT_FALSE(watching->Read(&never));
  // A watch that is refused does not end the stream.
  grpc::ClientContext many_context;
  const auto many = stub_->WatchMany(&many_context);
  wire::WatchManyRequest create;
  create.mutable_create()->set_watch_id(1);
  *create.mutable_create()->mutable_watch() = watch;
  EXPECT_TRUE(many->Write(create));
  wire::WatchManyResponse refused;
  EXPECT_TRUE(many->Read(&refused));
  EXPECT_EQ(refused.frame().status().code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(refused.frame().status().reason(), wire::ERROR_REASON_NOT_ALLOWED);
  many_context.TryCancel();
  EXPECT_FALSE(many->Read(&refused));
  many->Finish();

  std::set<std::string> methods = {"RegistryService/WatchMany"};
  const std::pair<std::string, grpc::Status> watched = {"RegistryService/Watch", watching->Finish()};
  std::vector<std::pair<std::string, grpc::Status>> answers(std::begin(kAnswers), std::end(kAnswers));
  answers.push_back(watched);
  for (const auto& [method, status] : answers) {
    SCOPED_TRACE(method);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
    EXPECT_EQ(Unpack(status).info.reason(), "NOT_ALLOWED");
    methods.insert(method);
  }
  std::set<std::string> asked_methods;
  for (const Asked& each : asked) asked_methods.insert(each.method);
  EXPECT_EQ(asked_methods, methods);
  // A method that is added must be added here, too.
  EXPECT_EQ(methods.size(), static_cast<size_t>(wire::GetRequest::descriptor()->file()->service(0)->method_count()));
}

TEST_F(ServerTest, HealthFollowsTheStoreAndEndsWithDraining) {
  using grpc::health::v1::HealthCheckResponse;
  Start();
  for (const std::string service : {"", "scoutlight.registry.v1.RegistryService", "scoutlight.topology.v1.TopologyService"}) {
    store_->SetReadOnly(false);
    EXPECT_EQ(AwaitHealth(service, HealthCheckResponse::SERVING), HealthCheckResponse::SERVING);
    store_->SetReadOnly(true);
    EXPECT_EQ(AwaitHealth(service, HealthCheckResponse::NOT_SERVING), HealthCheckResponse::NOT_SERVING);
  }
  store_->SetReadOnly(false);
  EXPECT_EQ(AwaitHealth("", HealthCheckResponse::SERVING), HealthCheckResponse::SERVING);
  server_->BeginDrain();
  EXPECT_EQ(AwaitHealth("", HealthCheckResponse::NOT_SERVING), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(AwaitHealth("nothing.Service", HealthCheckResponse::SERVICE_UNKNOWN), HealthCheckResponse::SERVICE_UNKNOWN);
}

TEST_F(ServerTest, DiscoveryIsNotServingUntilItKnowsTheInstances) {
  using grpc::health::v1::HealthCheckResponse;
  const std::string services[] = {"scoutlight.discovery.v1.DiscoveryService", "scoutlight.discovery.v1.RegistrationService",
                                  "scoutlight.discovery.v1.SchemaService"};
  MakeStore();
  store_->HoldReads(storage::SickableStore::Held::kAll);
  Serve();
  EXPECT_EQ(AwaitHealth("", HealthCheckResponse::SERVING), HealthCheckResponse::SERVING);
  for (const std::string& service : services) {
    EXPECT_EQ(AwaitHealth(service, HealthCheckResponse::NOT_SERVING), HealthCheckResponse::NOT_SERVING) << service;
  }
  store_->LetReadsGo();
  for (const std::string& service : services) {
    EXPECT_EQ(AwaitHealth(service, HealthCheckResponse::SERVING), HealthCheckResponse::SERVING) << service;
  }
}

// One stream of each kind takes a place until it has ended.
TEST_F(ServerTest, StreamsOfAllKindsShareTheirPlaces) {
  streams_max_ = 3;
  Start();
  const auto discovery = ::scoutlight::discovery::v1::DiscoveryService::NewStub(channel_);
  const auto leases = wire::LeaseService::NewStub(channel_);
  EXPECT_EQ(AwaitHealth("scoutlight.discovery.v1.DiscoveryService", grpc::health::v1::HealthCheckResponse::SERVING),
            grpc::health::v1::HealthCheckResponse::SERVING);
  wire::WatchRequest watch_request;
  watch_request.set_key("/a");
  watch_request.set_include_snapshot(true);
  ::scoutlight::discovery::v1::WatchRequest instances_request;
  instances_request.set_service("s");
  wire::KeepAliveRequest renewal;
  renewal.add_lease_ids(1);
  for (int round = 0; round < 3; ++round) {
    grpc::ClientContext watching, watching_instances, keeping;
    wire::WatchResponse watched;
    ::scoutlight::discovery::v1::WatchResponse instances;
    wire::KeepAliveResponse kept;
    // Those of the round before may still be ending.
    EXPECT_TRUE(storage::AwaitCondition([this] { return server_->streams() == 0; }));
    const auto watch = stub_->Watch(&watching, watch_request);
    ASSERT_TRUE(watch->Read(&watched));
    const auto instance_watch = discovery->Watch(&watching_instances, instances_request);
    ASSERT_TRUE(instance_watch->Read(&instances));
    const auto keep_alive = leases->KeepAlive(&keeping);
    ASSERT_TRUE(keep_alive->Write(renewal));
    ASSERT_TRUE(keep_alive->Read(&kept));
    EXPECT_EQ(server_->streams(), 3);

    grpc::ClientContext more_watching, more_watching_instances, more_keeping;
    const auto refused = [](const grpc::Status& status) {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
      EXPECT_EQ(Unpack(status).info.reason(), "STREAMS_FULL");
    };
    refused(stub_->Watch(&more_watching, watch_request)->Finish());
    refused(discovery->Watch(&more_watching_instances, instances_request)->Finish());
    refused(leases->KeepAlive(&more_keeping)->Finish());
    EXPECT_EQ(server_->streams(), 3) << "one that was refused has no place to give back";

    watching.TryCancel();
    watching_instances.TryCancel();
    EXPECT_TRUE(keep_alive->WritesDone());
    EXPECT_TRUE(keep_alive->Finish().ok());
    watch->Finish();
    instance_watch->Finish();
  }
}

TEST_F(ServerTest, DrainingServerSaysSoAndWhenToTryAgain) {
  Start();
  server_->BeginDrain();
  wire::GetResponse get;
  const grpc::Status status = Get("/a", &get);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Unpack(status).info.reason(), "DRAINING");
  EXPECT_TRUE(Unpack(status).says_when_to_retry);
}

TEST_F(ServerTest, StopEndsOpenReflectionStreams) {
  Start();
  auto stub = grpc::reflection::v1::ServerReflection::NewStub(channel_);
  grpc::ClientContext context;
  auto stream = stub->ServerReflectionInfo(&context);
  grpc::reflection::v1::ServerReflectionRequest request;
  request.set_list_services("");
  grpc::reflection::v1::ServerReflectionResponse response;
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  // Longer than the test may take: only a stream that has ended lets it return.
  server_->Stop(absl::Hours(1));
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ServerTest, SecondServerOnThePortIsRefused) {
  Start();
  ServerOptions options;
  options.listen = server_->address();
  const absl::Status refused = Server::Start(store_.get(), std::move(options)).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(refused.message().find("port taken"), absl::string_view::npos) << refused;
}

// A server that begins to listen between another's look at the port and its own listening.
TEST_F(ServerTest, ThePortIsNotSharedWithWhoWouldShareIt) {
  Start();
  const int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(other, 0);
  const int on = 1;
  ASSERT_EQ(setsockopt(other, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(server_->address().port));
  const int error = bind(other, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
  close(other);
  EXPECT_EQ(error, EADDRINUSE);
}

}  // namespace
}  // namespace scoutlight::server

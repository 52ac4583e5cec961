// AdminService/Status of a server, through gRPC.

#include "server/admin/admin_service.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/rpc_method.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/version.h"
#include "scoutlight/registry/v1/lease.grpc.pb.h"
#include "scoutlight/registry/v1/registry.grpc.pb.h"
#include "server/server.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_engine.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/sickable_store.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {
namespace {

namespace wire = admin::v1;
using storage::SickableStore;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const StoreId kStoreId = "00112233445566778899aabbccddeeff";

class AdminServiceTest : public testing::Test {
 protected:
  AdminServiceTest() {
    storage::LocalStoreOptions options;
    options.random = [random = std::mt19937_64(7)]() mutable { return random(); };
    store_ = std::make_unique<SickableStore>(*storage::OpenLocalStore(storage::NewMemoryEngine(kStoreId), std::move(options)));
  }
  void Serve(Authorize authorize = nullptr) {
    ServerOptions options;
    options.authorize = std::move(authorize);
    options.store_kind = "memory";
    options.streams_max = 77;
    options.discovery.clock = &clock_;
    auto server = Server::Start(store_.get(), std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(server_->address().ToString(), grpc::InsecureChannelCredentials());
    stub_ = wire::AdminService::NewStub(channel_);
  }
  wire::StatusResponse Status() {
    grpc::ClientContext context;
    wire::StatusResponse response;
    const grpc::Status status = stub_->Status(&context, wire::StatusRequest(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  bool AwaitReady() {
    return storage::AwaitCondition([this] { return Status().discovery().ready(); });
  }

  storage::FakeClock clock_;
  std::unique_ptr<SickableStore> store_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<wire::AdminService::Stub> stub_;
};

TEST_F(AdminServiceTest, TellsWhatTheServerIsAndHolds) {
  Serve();
  ASSERT_TRUE(AwaitReady());
  const auto registry = registry::v1::RegistryService::NewStub(channel_);
  const auto leases = registry::v1::LeaseService::NewStub(channel_);
  registry::v1::PutRequest put;
  put.set_key("/c/services/s/i/port");
  put.set_text("80");
  registry::v1::PutResponse stored;
  grpc::ClientContext putting;
  ASSERT_TRUE(registry->Put(&putting, put, &stored).ok());
  registry::v1::GrantRequest grant;
  grant.mutable_ttl()->set_seconds(600);
  registry::v1::GrantResponse granted;
  grpc::ClientContext granting;
  ASSERT_TRUE(leases->Grant(&granting, grant, &granted).ok());
  registry::v1::WatchRequest watch;
  watch.set_key("/c");
  registry::v1::WatchResponse frame;
  grpc::ClientContext watching;
  const auto stream = registry->Watch(&watching, watch);
  ASSERT_TRUE(stream->Read(&frame));
  clock_.Advance(absl::Seconds(90));

  wire::StatusResponse status;
  // The hub tells of its watches after it has served them.
  ASSERT_TRUE(storage::AwaitCondition([&] {
    status = Status();
    return status.streams().watches() == 1;
  }));
  EXPECT_EQ(status.version(), kVersion);
  EXPECT_EQ(status.started_at().seconds(), 1'700'000'000);
  EXPECT_EQ(status.uptime().seconds(), 90);
  EXPECT_EQ(status.state(), wire::SERVING_STATE_SERVING);
  EXPECT_THAT(status.problems(), IsEmpty());
  EXPECT_EQ(status.revision(), stored.revision());
  EXPECT_EQ(status.store_id(), kStoreId);
  EXPECT_EQ(status.store().kind(), "memory");
  EXPECT_EQ(status.store().oldest_revision(), 1);
  EXPECT_EQ(status.store().leases(), 1);
  EXPECT_EQ(status.streams().open(), 1);
  EXPECT_EQ(status.streams().open_max(), 77);
  EXPECT_EQ(status.streams().watch_streams(), 1);
  EXPECT_FALSE(status.discovery().loading());
  EXPECT_EQ(status.discovery().revision(), stored.revision());
  EXPECT_EQ(status.discovery().totals().clusters(), 1);
  EXPECT_EQ(status.discovery().totals().services(), 1);
  EXPECT_EQ(status.discovery().totals().instances(), 1);
  EXPECT_EQ(status.discovery().totals().unread(), 0);
  watching.TryCancel();
  while (stream->Read(&frame)) {
  }
  stream->Finish();
}

TEST_F(AdminServiceTest, IsAnsweredWhateverTheServerIsIn) {
  store_->HoldReads(SickableStore::Held::kLists);
  Serve();
  wire::StatusResponse status = Status();
  EXPECT_EQ(status.state(), wire::SERVING_STATE_SERVING);
  EXPECT_FALSE(status.discovery().ready());
  EXPECT_TRUE(status.discovery().loading());
  EXPECT_FALSE(status.discovery().has_totals());
  EXPECT_THAT(status.problems(), ElementsAre(HasSubstr("CATALOG_LOADING")));
  store_->LetReadsGo();
  ASSERT_TRUE(AwaitReady());
  EXPECT_THAT(Status().problems(), IsEmpty());

  store_->SetReadOnly(true);
  status = Status();
  EXPECT_EQ(status.state(), wire::SERVING_STATE_READ_ONLY);
  EXPECT_THAT(status.problems(), ElementsAre("a test says so"));
  store_->SetReadOnly(false);

  server_->BeginDrain();
  EXPECT_EQ(Status().state(), wire::SERVING_STATE_DRAINING);
}

TEST_F(AdminServiceTest, CountsLeasesWithoutListingThem) {
  Serve();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(storage::SyncStore(store_.get()).Grant(absl::Minutes(10)).status.ok());
  // Nothing of a store that is closed can be read; this is in memory.
  store_->SetReadOnly(true);
  store_->HoldReads(SickableStore::Held::kLists);
  EXPECT_EQ(Status().store().leases(), 3);
  EXPECT_EQ(store_->lists_of_leases(), 0);
  store_->LetReadsGo();
}

// A service that waits hardly at all.
TEST_F(AdminServiceTest, IsAnsweredWhenTheStoreDoesNotAnswer) {
  store_->HoldReads(SickableStore::Held::kAll);
  const Admission admission(nullptr);
  const auto places = std::make_shared<StreamPlaces>(10);
  DiscoveryServer discovery(store_.get(), &admission, {.clock = &clock_, .places = places});
  WatchHub hub(store_.get(), {.clock = &clock_, .places = places, .also = discovery.sink()});
  AdminService admin({.store = store_.get(),
                      .admission = &admission,
                      .discovery = &discovery,
                      .hub = &hub,
                      .clock = &clock_,
                      .places = places,
                      .streams_max = 10,
                      .store_kind = "memory",
                      .answer_within = absl::Milliseconds(1)});
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&admin);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  stub_ = wire::AdminService::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  for (int i = 0; i < 20; ++i) {
    const wire::StatusResponse status = Status();
    EXPECT_EQ(status.version(), kVersion);
    EXPECT_EQ(status.revision(), 0);
    EXPECT_EQ(status.store_id(), kStoreId);
    EXPECT_EQ(status.store().leases(), 0);
    EXPECT_THAT(status.problems(), ElementsAre(HasSubstr("has not answered a read within 1ms"), HasSubstr("CATALOG_LOADING")));
  }
  store_->LetReadsGo();
  EXPECT_TRUE(storage::AwaitCondition([this] { return Status().revision() != 0; }));
  server->Shutdown();
}

// Over limits::kInlineEntriesMax services, on a reader.
TEST_F(AdminServiceTest, CountsManyServices) {
  Serve();
  ASSERT_TRUE(AwaitReady());
  registry::v1::TransactRequest request;
  for (int i = 0; i < 200; ++i) {
    auto* const put = request.add_on_success()->mutable_put();
    put->set_key("/c/services/s" + std::to_string(i) + "/i/port");
    put->set_text("80");
  }
  registry::v1::TransactResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(registry::v1::RegistryService::NewStub(channel_)->Transact(&context, request, &response).ok());
  const wire::StatusResponse status = Status();
  EXPECT_EQ(status.discovery().totals().services(), 200);
  EXPECT_EQ(status.discovery().totals().instances(), 200);
  EXPECT_EQ(status.discovery().totals().unread(), 0);
}

TEST_F(AdminServiceTest, AsksWhetherTheCallerMayDoEverything) {
  Mutex mu;
  std::string method;  // These two under `mu`.
  KeyRange range;
  Serve([&](const Identity&, absl::string_view asked, const KeyRange& asked_range) {
    MutexLock lock(&mu);
    method = std::string(asked);
    range = asked_range;
    return absl::PermissionDeniedError("no");
  });
  const auto asked = [&] {
    MutexLock lock(&mu);
    return std::pair(method, range);
  };
  grpc::ClientContext context;
  wire::StatusResponse response;
  EXPECT_EQ(stub_->Status(&context, wire::StatusRequest(), &response).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(asked().first, "AdminService/Status");
  EXPECT_TRUE(asked().second.key == Key() && asked().second.scope == Scope::kSubtree);
  grpc::ClientContext of_compact;
  wire::CompactRequest compact;
  compact.set_revision(1);
  wire::CompactResponse compacted;
  EXPECT_EQ(stub_->Compact(&of_compact, compact, &compacted).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(asked().first, "AdminService/Compact");
  grpc::ClientContext of_backup;
  const auto backup = stub_->Backup(&of_backup, {});
  wire::BackupResponse part;
  EXPECT_FALSE(backup->Read(&part));
  EXPECT_EQ(backup->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(asked().first, "AdminService/Backup");
}

TEST_F(AdminServiceTest, BytesThatAreNoMessageAreInvalid) {
  Serve();
  const grpc::internal::RpcMethod rpc("/scoutlight.admin.v1.AdminService/Status", grpc::internal::RpcMethod::NORMAL_RPC);
  const grpc::Slice slice(std::string("\xff\xff"));
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer answer;
  grpc::ClientContext context;
  const grpc::Status status = grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer, grpc::ByteBuffer, grpc::ByteBuffer>(
      channel_.get(), rpc, &context, request, &answer);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace scoutlight::server

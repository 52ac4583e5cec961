// What the tests of RegistrationService share: it and the reads of discovery behind gRPC, over a store.
#ifndef SCOUTLIGHT_SERVER_DISCOVERY_REGISTRATION_SERVICE_FIXTURE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_REGISTRATION_SERVICE_FIXTURE_H_

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/reader_pool.h"
#include "discovery/catalog.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "scoutlight/discovery/v1/discovery.grpc.pb.h"
#include "scoutlight/discovery/v1/registration.grpc.pb.h"
#include "server/admission.h"
#include "server/discovery/catalog_feed.h"
#include "server/discovery/catalog_reader.h"
#include "server/discovery/discovery_service.h"
#include "server/discovery/registrar.h"
#include "server/discovery/registration_service.h"
#include "server/discovery/resolver.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {

namespace wire = ::scoutlight::discovery::v1;
using Registrations = wire::RegistrationService::Stub;
using Reads = wire::DiscoveryService::Stub;

// One server over a store: both services, behind gRPC. It has one reader, behind whose work one more may wait.
class RegistrationServer {
 public:
  // Both outlive it.
  RegistrationServer(storage::Store* store, Clock* clock, Authorize authorize)
      : feed_(std::make_shared<CatalogFeed>(store, CatalogFeedOptions{.clock = clock}, [](const std::vector<discovery::ServiceName>&) {})),
        resolver_(1),
        reader_({.store = store, .resolver = &resolver_, .clock = clock}),
        registrar_({.store = store, .feed = feed_.get(), .clock = clock, .random = [this] { return ++drawn_; }}),
        admission_(std::move(authorize)),
        registration_({.store = store,
                       .admission = &admission_,
                       .feed = feed_.get(),
                       .registrar = &registrar_,
                       .readers = &readers_,
                       .clock = clock}),
        discovery_({.store = store, .admission = &admission_, .feed = feed_.get(), .reader = &reader_, .readers = &readers_}) {
    feed_->Start();
    store->Follow(storage::SyncStore(store).Latest(), feed_);
    EXPECT_TRUE(storage::AwaitCondition([this] { return feed_->catalog() != nullptr; }));
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&registration_);
    builder.RegisterService(&discovery_);
    server_ = builder.BuildAndStart();
    const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
    registrations_ = wire::RegistrationService::NewStub(channel);
    reads_ = wire::DiscoveryService::NewStub(channel);
  }
  ~RegistrationServer() {
    LetReaders();
    feed_->Stop();
    server_->Shutdown();
  }

  // The reader does nothing until LetReaders(), and nothing more can wait for it.
  void HoldReaders() {
    ReaderPool::Work hold = [this] {
      MutexLock lock(&mu_);
      held_ = true;
      changed_.NotifyAll();
      while (!let_) changed_.Wait(&mu_);
    };
    ASSERT_TRUE(readers_.TryRun(hold));
    {
      MutexLock lock(&mu_);
      while (!held_) changed_.Wait(&mu_);
    }
    ReaderPool::Work nothing = [] {};
    ASSERT_TRUE(readers_.TryRun(nothing));
  }
  void LetReaders() {
    MutexLock lock(&mu_);
    let_ = true;
    changed_.NotifyAll();
  }
  std::thread::id reader_thread() {
    std::atomic<bool> known = false;
    std::thread::id id;
    ReaderPool::Work note = [&known, &id] {
      id = std::this_thread::get_id();
      known = true;
    };
    EXPECT_TRUE(readers_.TryRun(note));
    EXPECT_TRUE(storage::AwaitCondition([&known] { return known.load(); }));
    return id;
  }

  std::shared_ptr<discovery::Catalog> catalog() const { return feed_->catalog(); }
  Registrations& registrations() const { return *registrations_; }
  Reads& reads() const { return *reads_; }

 private:
  Mutex mu_;
  CondVar changed_;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  bool let_ ABSL_GUARDED_BY(mu_) = false;
  std::atomic<uint64_t> drawn_ = 0;
  const std::shared_ptr<CatalogFeed> feed_;
  Resolver resolver_;
  const CatalogReader reader_;
  ReaderPool readers_{1, 1};
  Registrar registrar_;
  Admission admission_;
  RegistrationService registration_;
  DiscoveryService discovery_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Registrations> registrations_;
  std::unique_ptr<Reads> reads_;
};

// An answer as a caller sees it.
template <typename Response>
struct Answered {
  grpc::Status status;
  Response response;
  std::string reason;
  std::map<std::string, std::string> metadata;  // Of the ErrorInfo.
  std::vector<std::string> fields;

  bool ok() const { return status.ok(); }
  const Response* operator->() const { return &response; }
  // Of an error.
  Revision revision() const {
    Revision revision = 0;
    const auto found = metadata.find("revision");
    return found != metadata.end() && absl::SimpleAtoi(found->second, &revision) ? revision : 0;
  }
};

class RegistrationServiceTest : public ::testing::Test {
 protected:
  RegistrationServiceTest() { Open(storage::OpenMemoryStore(clock_)); }

  void Open(std::unique_ptr<storage::Store> store, Authorize authorize = nullptr) {
    server_.reset();
    store_ = std::move(store);
    server_ = std::make_unique<RegistrationServer>(store_.get(), &clock_, std::move(authorize));
  }
  storage::SyncStore sync() const { return storage::SyncStore(store_.get()); }

  template <typename Stub, typename Request, typename Response>
  static Answered<Response> Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                 const Request& request) {
    grpc::ClientContext context;
    Answered<Response> seen;
    seen.status = (stub.*method)(&context, request, &seen.response);
    google::rpc::Status rich;
    EXPECT_TRUE(rich.ParseFromString(seen.status.error_details()));
    for (const google::protobuf::Any& detail : rich.details()) {
      google::rpc::ErrorInfo info;
      google::rpc::BadRequest bad;
      if (detail.UnpackTo(&info)) {
        seen.reason = info.reason();
        seen.metadata.insert(info.metadata().begin(), info.metadata().end());
      }
      if (!detail.UnpackTo(&bad)) continue;
      for (const auto& violation : bad.field_violations()) seen.fields.push_back(violation.field());
    }
    return seen;
  }
  template <typename Request, typename Response>
  Answered<Response> Call(grpc::Status (Registrations::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request) {
    return Call(server_->registrations(), method, request);
  }

  static wire::RegisterRequest RegisterOf(const std::string& id, const std::string& port = "80") {
    wire::RegisterRequest request;
    request.mutable_instance()->set_service("s");
    request.mutable_instance()->set_id(id);
    (*request.mutable_instance()->mutable_properties())["port"] = port;
    request.set_permanent(true);
    return request;
  }
  template <typename Request>
  static Request Named(const std::string& id) {
    Request request;
    request.mutable_name()->set_service("s");
    request.mutable_name()->set_id(id);
    return request;
  }
  static wire::RegisterAllRequest AllOf(int registrations, const std::string& port = "80") {
    wire::RegisterAllRequest all;
    for (int i = 0; i < registrations; ++i) *all.add_registrations() = RegisterOf(absl::StrCat("i", i), port);
    return all;
  }
  Answered<wire::RegisterResponse> Register(const wire::RegisterRequest& request) { return Call(&Registrations::Register, request); }

  storage::FakeClock clock_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<RegistrationServer> server_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_REGISTRATION_SERVICE_FIXTURE_H_

#include "server/discovery/registration_service.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <set>
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
#include "discovery/system_records.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/discovery/catalog_reader.h"
#include "server/discovery/discovery_service.h"
#include "server/discovery/resolver.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {
namespace {

namespace wire = ::scoutlight::discovery::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Registrations = wire::RegistrationService::Stub;
using Reads = wire::DiscoveryService::Stub;

// One server over a store: both services, behind gRPC. It has one reader, behind whose work one more may wait.
class Server {
 public:
  // Both outlive it.
  Server(storage::Store* store, Clock* clock, Authorize authorize)
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
  ~Server() {
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
struct Seen {
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
    server_ = std::make_unique<Server>(store_.get(), &clock_, std::move(authorize));
  }
  storage::SyncStore sync() const { return storage::SyncStore(store_.get()); }

  template <typename Stub, typename Request, typename Response>
  static Seen<Response> Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                             const Request& request) {
    grpc::ClientContext context;
    Seen<Response> seen;
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
  Seen<Response> Call(grpc::Status (Registrations::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request) {
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
  Seen<wire::RegisterResponse> Register(const wire::RegisterRequest& request) { return Call(&Registrations::Register, request); }

  storage::FakeClock clock_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Server> server_;
};

// Every error that speaks of a state says which.
TEST_F(RegistrationServiceTest, ErrorsCarryTheStateThatTheySpeakOf) {
  wire::RegisterRequest mine = RegisterOf("i");
  mine.set_session_id("mine");
  ASSERT_TRUE(Register(mine).ok());
  sync().Put(discovery::BindingKey("default", "off"), "none");
  ASSERT_TRUE(storage::AwaitCondition([this] { return server_->catalog()->claims()->SchemaOf("default", "off") == nullptr; }));
  const Revision latest = sync().Latest();
  const auto expect = [&](const auto& seen, grpc::StatusCode code, const std::string& reason) {
    EXPECT_EQ(seen.status.error_code(), code) << seen.status.error_message();
    EXPECT_EQ(seen.reason, reason);
    EXPECT_EQ(seen.revision(), latest) << reason;
    const auto store_id = seen.metadata.find("store_id");
    EXPECT_TRUE(store_id != seen.metadata.end() && store_id->second == store_->store_id()) << reason;
  };
  wire::RegisterRequest theirs = mine;
  theirs.set_session_id("theirs");
  expect(Register(theirs), grpc::StatusCode::ALREADY_EXISTS, "INSTANCE_OWNED");
  wire::RegisterRequest on_a_lease = mine;
  on_a_lease.set_lease_id(99);
  expect(Register(on_a_lease), grpc::StatusCode::FAILED_PRECONDITION, "LEASE_NOT_FOUND");
  auto update = Named<wire::UpdateRequest>("i");
  update.set_epoch(1);
  expect(Call(&Registrations::Update, update), grpc::StatusCode::ABORTED, "FENCED");
  expect(Call(&Registrations::Update, Named<wire::UpdateRequest>("none")), grpc::StatusCode::NOT_FOUND, "INSTANCE_NOT_FOUND");
  auto deregister = Named<wire::DeregisterRequest>("i");
  deregister.set_epoch(1);
  expect(Call(&Registrations::Deregister, deregister), grpc::StatusCode::ABORTED, "FENCED");
  deregister.mutable_name()->set_service("off");
  expect(Call(&Registrations::Deregister, deregister), grpc::StatusCode::FAILED_PRECONDITION, "DISCOVERY_OFF");
}

TEST_F(RegistrationServiceTest, ARegisterAllOfRefusalsCarriesTheCatalogsRevision) {
  ASSERT_TRUE(Register(RegisterOf("i")).ok());
  const auto refused = Call(&Registrations::RegisterAll, AllOf(2, "no port"));
  ASSERT_TRUE(refused.ok()) << refused.status.error_message();
  for (const auto& result : refused->results()) EXPECT_EQ(result.code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(refused->revision(), sync().Latest());
  EXPECT_EQ(refused->store_id(), store_->store_id());
}

TEST_F(RegistrationServiceTest, AnInstanceIsRegisteredOnceInACall) {
  wire::RegisterAllRequest all = AllOf(3);
  *all.add_registrations() = RegisterOf("i1", "81");
  // In another cluster it is another one; without an id each is drawn one of its own.
  *all.add_registrations() = RegisterOf("i1");
  all.mutable_registrations(4)->mutable_instance()->set_cluster("other");
  for (int i = 0; i < 2; ++i) *all.add_registrations() = RegisterOf("");
  // By the same request_id they would be drawn the same.
  for (int i = 7; i < 9; ++i) {
    *all.add_registrations() = RegisterOf("");
    all.mutable_registrations(i)->set_request_id("once");
  }
  const auto answered = Call(&Registrations::RegisterAll, all);
  ASSERT_TRUE(answered.ok()) << answered.status.error_message();
  for (int i = 0; i < answered->results_size(); ++i) {
    const auto& result = answered->results(i);
    EXPECT_EQ(result.code(), i == 3 || i == 8 ? grpc::StatusCode::INVALID_ARGUMENT : grpc::StatusCode::OK) << i << " " << result.message();
  }
  EXPECT_EQ(answered->results(3).violations().count("instance.id"), 1u);
  EXPECT_NE(answered->results(3).message().find("registrations[1]"), std::string::npos) << answered->results(3).message();
  EXPECT_EQ(answered->results(1).instance().properties().at("port"), "80");
}

TEST_F(RegistrationServiceTest, ACallRegistersAThousandAtMost) {
  const auto most = Call(&Registrations::RegisterAll, AllOf(limits::kRegistrationsMax));
  ASSERT_TRUE(most.ok()) << most.status.error_message();
  EXPECT_EQ(most->results_size(), limits::kRegistrationsMax);
  const auto more = Call(&Registrations::RegisterAll, AllOf(limits::kRegistrationsMax + 1));
  EXPECT_EQ(more.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << more.status.error_message();
  EXPECT_EQ(Call(&Registrations::RegisterAll, AllOf(0)).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(RegistrationServiceTest, AnUpdateTellsAllThatIsWrongAndWhatWasSoBefore) {
  ASSERT_TRUE(Register(RegisterOf("i")).ok());
  sync().Put(storage::K("/default/services/s/i/weight"), "heavy");
  auto update = Named<wire::UpdateRequest>("i");
  (*update.mutable_set_properties())["x/y"] = "1";
  (*update.mutable_set_properties())[""] = "1";
  (*update.mutable_set_properties())["port"] = "70000";
  const auto refused = Call(&Registrations::Update, update);
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << refused.status.error_message();
  const std::string message = refused.status.error_message();
  for (const char* part : {"set_properties[\"x/y\"]", "set_properties[\"\"]", "set_properties.port",
                           "set_properties.weight: is not set here, and what is stored is \"heavy\""}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in " << message;
  }
}

// Notes the threads that ask it.
class NotedThreads {
 public:
  Authorize authorize() {
    return [this](const Identity&, absl::string_view, const KeyRange&) {
      MutexLock lock(&mu_);
      threads_.insert(std::this_thread::get_id());
      return absl::OkStatus();
    };
  }
  std::set<std::thread::id> Take() {
    MutexLock lock(&mu_);
    return std::exchange(threads_, {});
  }

 private:
  Mutex mu_;
  std::set<std::thread::id> threads_ ABSL_GUARDED_BY(mu_);
};

TEST_F(RegistrationServiceTest, OverSixtyFourRegistrationsAreWorkForAReader) {
  NotedThreads noted;
  Open(storage::OpenMemoryStore(clock_), noted.authorize());
  const std::thread::id reader = server_->reader_thread();
  const auto few = Call(&Registrations::RegisterAll, AllOf(limits::kInlineEntriesMax));
  ASSERT_TRUE(few.ok()) << few.status.error_message();
  EXPECT_FALSE(noted.Take().contains(reader));
  const auto many = Call(&Registrations::RegisterAll, AllOf(limits::kInlineEntriesMax + 1, "81"));
  ASSERT_TRUE(many.ok()) << many.status.error_message();
  EXPECT_THAT(noted.Take(), ElementsAre(reader));
  for (const auto& seen : {few, many}) {
    for (const auto& result : seen->results()) EXPECT_EQ(result.code(), 0) << result.message();
  }
  ASSERT_EQ(many->results_size(), limits::kInlineEntriesMax + 1);
  EXPECT_EQ(many->results(64).instance().id(), "i64");
  EXPECT_EQ(many->revision(), sync().Latest());
}

TEST_F(RegistrationServiceTest, ManyRegistrationsAreRefusedWhenReadersAreBehindAndFewAreNot) {
  server_->HoldReaders();
  const auto refused = Call(&Registrations::RegisterAll, AllOf(limits::kInlineEntriesMax + 1));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.reason, "OVERLOADED");
  EXPECT_EQ(server_->catalog()->instances(), 0u);
  EXPECT_TRUE(Call(&Registrations::RegisterAll, AllOf(limits::kInlineEntriesMax)).ok());
  server_->LetReaders();
  EXPECT_TRUE(storage::AwaitCondition([this] { return Call(&Registrations::RegisterAll, AllOf(limits::kInlineEntriesMax + 1)).ok(); }));
}

TEST_F(RegistrationServiceTest, ListsWithRegularExpressionsAreWorkForAReader) {
  ASSERT_TRUE(Call(&Registrations::RegisterAll, AllOf(2)).ok());
  wire::ListInstancesRequest request;
  request.set_cluster("c");
  request.set_service("s");
  const auto list = [&](const std::string& filter) {
    request.set_filter(filter);
    grpc::ClientContext context;
    wire::ListInstancesResponse response;
    return server_->reads().ListInstances(&context, request, &response).error_code();
  };
  server_->HoldReaders();
  EXPECT_EQ(list("protocol == 'http'"), grpc::StatusCode::OK);
  EXPECT_EQ(list("protocol matches 'http'"), grpc::StatusCode::RESOURCE_EXHAUSTED);
  server_->LetReaders();
  EXPECT_TRUE(storage::AwaitCondition([&] { return list("protocol matches 'http'") == grpc::StatusCode::OK; }));
}

TEST_F(RegistrationServiceTest, AnOverrideThatExpiresIsGoneAfterItsTimeAndNotBefore) {
  const absl::Duration step = absl::Milliseconds(200);
  const absl::Duration ttl = absl::Seconds(10);
  ASSERT_TRUE(Register(RegisterOf("i")).ok());
  auto put = Named<wire::PutOverrideRequest>("i");
  put.set_reason("jam");
  put.mutable_ttl()->set_seconds(absl::ToInt64Seconds(ttl));
  ASSERT_TRUE(Call(&Registrations::PutOverride, put).ok());
  const auto overrides = [this] {
    wire::ListOverridesRequest list;
    list.set_cluster("default");
    list.set_service("s");
    return Call(server_->reads(), &Reads::ListOverrides, list)->overrides_size();
  };
  const auto resolved = [this] {
    wire::ResolveRequest resolve;
    resolve.set_service("s");
    return Call(server_->reads(), &Reads::Resolve, resolve);
  };
  int round = 0;
  for (absl::Duration passed; passed < ttl; passed += step) {
    ASSERT_EQ(overrides(), 1) << "ended after " << absl::FormatDuration(passed);
    EXPECT_EQ(resolved().reason, "NONE_RESOLVABLE");
    const auto again = Register(RegisterOf("i", absl::StrCat(100 + round++)));
    ASSERT_TRUE(again.ok()) << again.status.error_message();
    EXPECT_EQ(again->instance().override().reason(), "jam");
    EXPECT_FALSE(again->instance().resolvable());
    ASSERT_TRUE(clock_.AdvanceAndWaitUntilSeen(step));
  }
  ASSERT_TRUE(storage::AwaitCondition([this] { return !server_->catalog()->FindInstance({"default", "s", "i"})->override.has_value(); }));
  EXPECT_EQ(overrides(), 0);
  const auto picked = resolved();
  ASSERT_TRUE(picked.ok()) << picked.status.error_message();
  EXPECT_EQ(picked->picks(0).instance().id(), "i");
  EXPECT_EQ(sync().Get(discovery::OverrideKey({"default", "s", "i"})), std::nullopt);
  EXPECT_THAT(sync().ListLeases().leases, IsEmpty());
}

// What is asked with an id, of instance "i" as session "mine".
class RepeatedRequestTest : public RegistrationServiceTest {
 protected:
  static wire::RegisterRequest Registering(const std::string& session, const std::string& request_id = "") {
    wire::RegisterRequest request = RegisterOf("i");
    request.mutable_ttl()->set_seconds(3600);
    request.set_session_id(session);
    request.set_request_id(request_id);
    return request;
  }
  static wire::UpdateRequest Updating(const std::string& port, const std::string& request_id, Revision epoch = 0) {
    auto request = Named<wire::UpdateRequest>("i");
    (*request.mutable_set_properties())["port"] = port;
    request.set_epoch(epoch);
    request.set_request_id(request_id);
    return request;
  }
  static wire::DeregisterRequest Deregistering(const std::string& request_id, Revision epoch = 0) {
    auto request = Named<wire::DeregisterRequest>("i");
    request.set_epoch(epoch);
    request.set_request_id(request_id);
    return request;
  }
  static wire::PutOverrideRequest Putting(const std::string& reason, const std::string& request_id) {
    auto request = Named<wire::PutOverrideRequest>("i");
    request.set_reason(reason);
    request.mutable_ttl()->set_seconds(3600);
    request.set_request_id(request_id);
    return request;
  }
  static wire::DeleteOverrideRequest Deleting(const std::string& request_id) {
    auto request = Named<wire::DeleteOverrideRequest>("i");
    request.set_request_id(request_id);
    return request;
  }
  Seen<wire::UpdateResponse> Update(const wire::UpdateRequest& request) { return Call(&Registrations::Update, request); }
  Seen<wire::DeregisterResponse> Deregister(const wire::DeregisterRequest& request) { return Call(&Registrations::Deregister, request); }
  Seen<wire::PutOverrideResponse> Put(const wire::PutOverrideRequest& request) { return Call(&Registrations::PutOverride, request); }
  Seen<wire::DeleteOverrideResponse> Delete(const wire::DeleteOverrideRequest& request) {
    return Call(&Registrations::DeleteOverride, request);
  }
  discovery::InstancePtr Instance() const { return server_->catalog()->FindInstance({"default", "s", "i"}); }
  bool LeasesCome(size_t to) const {
    return storage::AwaitCondition([&] { return sync().ListLeases().leases.size() == to; });
  }

  // The first answer, or a repetition of what happened at `revision`.
  template <typename Response>
  static void ExpectDone(const Seen<Response>& seen, Revision revision, bool replayed) {
    ASSERT_TRUE(seen.ok()) << seen.status.error_message();
    EXPECT_EQ(seen->revision(), revision);
    EXPECT_EQ(seen->replayed(), replayed);
  }
  // Refused since somebody else has the instance, or nobody; `revision`: when it was carried out.
  template <typename Response>
  static void ExpectRefused(const Seen<Response>& seen, grpc::StatusCode code, const std::string& reason, Revision revision) {
    EXPECT_EQ(seen.status.error_code(), code) << seen.status.error_message();
    EXPECT_EQ(seen.reason, reason);
    EXPECT_THAT(seen.status.error_message(), HasSubstr(absl::StrCat("this request was carried out at revision ", revision)));
    EXPECT_GT(seen.revision(), revision);
  }
};

TEST_F(RepeatedRequestTest, AfterSuccessNothingHappensAgain) {
  const auto registered = Register(Registering("mine", "r"));
  ExpectDone(registered, sync().Latest(), false);
  EXPECT_FALSE(registered->unchanged());
  const auto again = Register(Registering("mine", "r"));
  ExpectDone(again, registered->revision(), true);
  EXPECT_TRUE(again->unchanged());
  EXPECT_EQ(again->instance().epoch(), registered->instance().epoch());
  EXPECT_EQ(again->instance().lease_id(), registered->instance().lease_id());

  const auto updated = Update(Updating("81", "u"));
  ExpectDone(updated, sync().Latest(), false);
  ASSERT_TRUE(Update(Updating("82", "")).ok());
  const auto updated_again = Update(Updating("81", "u"));
  ExpectDone(updated_again, updated->revision(), true);
  EXPECT_EQ(updated_again->instance().properties().at("port"), "82") << "as it is now";

  const auto put = Put(Putting("jam", "p"));
  ExpectDone(put, sync().Latest(), false);
  const auto put_again = Put(Putting("jam", "p"));
  ExpectDone(put_again, put->revision(), true);
  EXPECT_EQ(put_again->override().reason(), "jam");
  EXPECT_TRUE(LeasesCome(2));
  const auto deleted = Delete(Deleting("d"));
  ExpectDone(deleted, sync().Latest(), false);
  const auto deleted_again = Delete(Deleting("d"));
  ExpectDone(deleted_again, deleted->revision(), true);
  EXPECT_TRUE(deleted_again->found());
  EXPECT_TRUE(LeasesCome(1));

  const auto gone = Deregister(Deregistering("g"));
  ExpectDone(gone, sync().Latest(), false);
  const auto gone_again = Deregister(Deregistering("g"));
  ExpectDone(gone_again, gone->revision(), true);
  EXPECT_TRUE(gone->found());
  EXPECT_TRUE(gone_again->found());
  EXPECT_EQ(sync().Latest(), gone->revision());
  EXPECT_TRUE(LeasesCome(0));
}

TEST_F(RepeatedRequestTest, OfARegisterAllToo) {
  wire::RegisterAllRequest all;
  *all.add_registrations() = Registering("mine", "r");
  const auto first = Call(&Registrations::RegisterAll, all);
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->results(0).replayed());
  const auto again = Call(&Registrations::RegisterAll, all);
  EXPECT_TRUE(again->results(0).replayed());
  EXPECT_EQ(again->revision(), first->revision());
}

TEST_F(RepeatedRequestTest, AfterATakeOverTheOwnerOfThenIsFencedAndTouchesNothing) {
  const auto registered = Register(Registering("mine", "r"));
  const Revision epoch = registered->instance().epoch();
  const auto updated = Update(Updating("81", "u", epoch));
  wire::RegisterRequest theirs = Registering("theirs");
  theirs.set_take_over(true);
  ASSERT_TRUE(Register(theirs).ok());
  ASSERT_TRUE(LeasesCome(1));
  const Revision latest = sync().Latest();
  ExpectRefused(Register(Registering("mine", "r")), grpc::StatusCode::ABORTED, "FENCED", registered->revision());
  wire::RegisterRequest forced = Registering("mine", "f");
  forced.set_take_over(true);
  ExpectRefused(Update(Updating("81", "u", epoch)), grpc::StatusCode::ABORTED, "FENCED", updated->revision());
  EXPECT_EQ(sync().Latest(), latest);
  EXPECT_TRUE(LeasesCome(1)) << "none is left that a repetition has made";
  EXPECT_EQ(Instance()->epoch, latest);

  // One that would take over again does not.
  const auto taken_back = Register(forced);
  ASSERT_TRUE(taken_back.ok());
  ASSERT_TRUE(Register(theirs).ok());
  ExpectRefused(Register(forced), grpc::StatusCode::ABORTED, "FENCED", taken_back->revision());
  EXPECT_EQ(Register(Registering("theirs"))->unchanged(), true);
}

TEST_F(RepeatedRequestTest, AfterADeregistrationItIsNotFoundAndNotThereAgain) {
  const auto registered = Register(Registering("mine", "r"));
  const auto updated = Update(Updating("81", "u"));
  const auto gone = Deregister(Deregistering("g"));
  ASSERT_TRUE(gone.ok());
  ExpectRefused(Register(Registering("mine", "r")), grpc::StatusCode::NOT_FOUND, "INSTANCE_NOT_FOUND", registered->revision());
  ExpectRefused(Update(Updating("81", "u")), grpc::StatusCode::NOT_FOUND, "INSTANCE_NOT_FOUND", updated->revision());
  EXPECT_EQ(sync().Latest(), gone->revision());
  EXPECT_TRUE(LeasesCome(0));

  // Whoever comes after is not deregistered by a repetition, nor does the lease go.
  ASSERT_TRUE(Register(Registering("theirs")).ok());
  ExpectDone(Deregister(Deregistering("g")), gone->revision(), true);
  EXPECT_NE(Instance(), nullptr);
  ExpectRefused(Register(Registering("mine", "r")), grpc::StatusCode::ABORTED, "FENCED", registered->revision());
  // By name of an epoch, which is refused before anything is tried.
  const Revision epoch = Instance()->epoch;
  const auto theirs_gone = Deregister(Deregistering("e", epoch));
  ASSERT_TRUE(theirs_gone.ok());
  ASSERT_TRUE(Register(Registering("third")).ok());
  ExpectDone(Deregister(Deregistering("e", epoch)), theirs_gone->revision(), true);
  EXPECT_NE(Instance(), nullptr);
  EXPECT_TRUE(LeasesCome(1));
}

TEST_F(RepeatedRequestTest, OverridesOfAfterwardsAreLeftAlone) {
  const auto put = Put(Putting("one", "p1"));
  ASSERT_TRUE(Put(Putting("two", "p2")).ok());
  ASSERT_TRUE(LeasesCome(1));
  const auto again = Put(Putting("one", "p1"));
  ExpectDone(again, put->revision(), true);
  EXPECT_EQ(again->override().reason(), "two");
  EXPECT_TRUE(LeasesCome(1));
  const auto deleted = Delete(Deleting("d"));
  ASSERT_TRUE(deleted->found());
  ASSERT_TRUE(LeasesCome(0));
  EXPECT_FALSE(Put(Putting("one", "p1"))->has_override());
  EXPECT_TRUE(LeasesCome(0));
  ASSERT_TRUE(Put(Putting("three", "p3")).ok());
  ExpectDone(Delete(Deleting("d")), deleted->revision(), true);
  EXPECT_TRUE(LeasesCome(1));
  EXPECT_NE(sync().Get(discovery::OverrideKey({"default", "s", "i"})), std::nullopt);
}

TEST_F(RepeatedRequestTest, WhatChangedNothingIsTriedAnew) {
  EXPECT_FALSE(Deregister(Deregistering("g"))->found());
  EXPECT_FALSE(Delete(Deleting("d"))->found());
  EXPECT_EQ(Update(Updating("81", "u")).reason, "INSTANCE_NOT_FOUND");
  ASSERT_TRUE(Register(Registering("mine")).ok());
  const auto same = Register(Registering("mine", "r"));
  EXPECT_TRUE(same->unchanged());
  EXPECT_FALSE(same->replayed());
  EXPECT_FALSE(Update(Updating("81", "u"))->replayed());
  const auto gone = Deregister(Deregistering("g"));
  EXPECT_TRUE(gone->found());
  EXPECT_FALSE(gone->replayed());
}

TEST_F(RepeatedRequestTest, AfterARestartOverDisk) {
  const storage::TemporaryFolder folder;
  Open(storage::OpenRocksdbStore(folder.path(), clock_));
  const auto registered = Register(Registering("mine", "r"));
  const auto updated = Update(Updating("81", "u"));
  const auto put = Put(Putting("jam", "p"));
  const auto deleted = Delete(Deleting("d"));
  ASSERT_TRUE(deleted.ok()) << deleted.status.error_message();
  const auto reopen = [&] {
    server_.reset();
    store_.reset();
    Open(storage::OpenRocksdbStore(folder.path(), clock_));
  };
  reopen();
  ExpectDone(Register(Registering("mine", "r")), registered->revision(), true);
  ExpectDone(Update(Updating("81", "u")), updated->revision(), true);
  ExpectDone(Put(Putting("jam", "p")), put->revision(), true);
  ExpectDone(Delete(Deleting("d")), deleted->revision(), true);
  EXPECT_EQ(sync().Latest(), deleted->revision());
  const auto gone = Deregister(Deregistering("g"));
  reopen();
  ExpectDone(Deregister(Deregistering("g")), gone->revision(), true);
  ExpectRefused(Register(Registering("mine", "r")), grpc::StatusCode::NOT_FOUND, "INSTANCE_NOT_FOUND", registered->revision());
  EXPECT_EQ(sync().Latest(), gone->revision());
  // The folder goes when nobody uses it any more.
  server_.reset();
  store_.reset();
}

// Whether or not the request would come to a transaction.
TEST_F(RepeatedRequestTest, AnIdOfAnotherRequestIsRefused) {
  ASSERT_TRUE(Register(Registering("mine", "x")).ok());
  const Revision latest = sync().Latest();
  const auto expect = [&](const auto& seen, const char* what) {
    EXPECT_EQ(seen.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << what << seen.status.error_message();
    EXPECT_EQ(seen.reason, "REQUEST_ID_REUSED") << what;
  };
  wire::RegisterRequest other_port = Registering("mine", "x");
  (*other_port.mutable_instance()->mutable_properties())["port"] = "81";
  expect(Register(other_port), "Register");
  expect(Register(Registering("theirs", "x")), "Register of what another owns");
  wire::RegisterRequest for_good = Registering("mine", "x");
  for_good.set_permanent(true);
  expect(Register(for_good), "Register for good");
  expect(Update(Updating("81", "x")), "Update");
  expect(Update(Updating("80", "x")), "Update that changes nothing");
  expect(Update(Updating("81", "x", 1)), "Update of another owner's");
  expect(Deregister(Deregistering("x")), "Deregister");
  expect(Deregister(Deregistering("x", 1)), "Deregister of another owner's");
  auto other = Deregistering("x");
  other.mutable_name()->set_id("none");
  expect(Deregister(other), "Deregister of nothing");
  expect(Put(Putting("jam", "x")), "PutOverride");
  expect(Delete(Deleting("x")), "DeleteOverride");
  EXPECT_EQ(sync().Latest(), latest);
  EXPECT_TRUE(LeasesCome(1));
}

TEST_F(RepeatedRequestTest, AnIdIsAtMost64BytesLong) {
  const std::string longest(limits::kRequestIdBytesMax, 'x');
  const auto expect = [](const auto& seen, const char* what) {
    EXPECT_EQ(seen.reason, "INVALID_FIELD") << what;
    EXPECT_THAT(seen.fields, ElementsAre("request_id")) << what;
  };
  expect(Register(Registering("mine", longest + "x")), "Register");
  expect(Update(Updating("81", longest + "x")), "Update");
  expect(Deregister(Deregistering(longest + "x")), "Deregister");
  expect(Put(Putting("jam", longest + "x")), "PutOverride");
  expect(Delete(Deleting(longest + "x")), "DeleteOverride");
  const std::string end = longest.substr(1);
  EXPECT_TRUE(Register(Registering("mine", "1" + end)).ok());
  EXPECT_TRUE(Update(Updating("81", "2" + end)).ok());
  EXPECT_TRUE(Deregister(Deregistering("3" + end)).ok());
  EXPECT_TRUE(Put(Putting("jam", "4" + end)).ok());
  EXPECT_TRUE(Delete(Deleting("5" + end)).ok());
}

}  // namespace
}  // namespace scoutlight::server

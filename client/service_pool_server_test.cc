#include "client/service_pool.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <grpcpp/server_builder.h>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "client/registrations.h"
#include "client/testing/server.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"

namespace scoutlight {
namespace {

using Health = grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr absl::Duration kLong = absl::Seconds(60);

// Waits on `changed` until `is_so`, with `mu` held; false: not within kLong.
template <typename Condition>
bool AwaitLocked(Mutex* mu, CondVar* changed, Condition is_so) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
  const absl::Duration end = Clock::System().SinceBoot() + kLong;
  while (!is_so()) {
    if (Clock::System().SinceBoot() >= end) return false;
    changed->WaitFor(mu, absl::Seconds(1));
  }
  return true;
}

// An instance of a service, at a port of its own. Check answers what it is told to; Watch sends one message, and another when it is let go.
class Instance : public Health::Service {
 public:
  Instance() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Instance() override {
    LetGo();
    server_->Shutdown();
    server_->Wait();
  }

  int port() const { return port_; }
  void Answer(grpc::Status status) {
    MutexLock lock(&mu_);
    status_ = std::move(status);
  }
  int checks() {
    MutexLock lock(&mu_);
    return checks_;
  }
  bool AwaitWatches(int watches) {
    MutexLock lock(&mu_);
    return AwaitLocked(&mu_, &changed_, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return watches_ >= watches; });
  }
  void LetGo() {
    MutexLock lock(&mu_);
    let_go_ = true;
    changed_.NotifyAll();
  }

  grpc::Status Check(grpc::ServerContext*, const HealthCheckRequest*, HealthCheckResponse* response) override {
    MutexLock lock(&mu_);
    ++checks_;
    response->set_status(HealthCheckResponse::SERVING);
    return status_;
  }
  grpc::Status Watch(grpc::ServerContext*, const HealthCheckRequest*, grpc::ServerWriter<HealthCheckResponse>* writer) override {
    HealthCheckResponse response;
    writer->Write(response);
    {
      MutexLock lock(&mu_);
      ++watches_;
      changed_.NotifyAll();
      if (!AwaitLocked(&mu_, &changed_, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return let_go_; })) return grpc::Status::CANCELLED;
    }
    writer->Write(response);
    return grpc::Status::OK;
  }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  Mutex mu_;
  CondVar changed_;
  grpc::Status status_ ABSL_GUARDED_BY(mu_);
  int checks_ ABSL_GUARDED_BY(mu_) = 0;
  int watches_ ABSL_GUARDED_BY(mu_) = 0;
  bool let_go_ ABSL_GUARDED_BY(mu_) = false;
};

class ServicePoolTest : public ::testing::Test {
 protected:
  void Register(const std::string& id, int port, const std::string& protocol = "grpc") {
    const auto registered = registrations_.Register(
        {.service = "Health", .id = id, .properties = {{"hostname", "127.0.0.1"}, {"port", absl::StrCat(port)}, {"protocol", protocol}}},
        Permanent());
    ASSERT_TRUE(registered.ok()) << registered.status();
  }
  Locator OpenLocator(LocatorOptions options = {}) { return *Locator::Open(connection_, std::move(options)); }
  // Until the locator knows what is registered.
  template <typename Condition>
  void AwaitPicks(ServicePool<Health::Stub>& pool, Condition is_so) {
    const absl::Duration end = Clock::System().SinceBoot() + kLong;
    while (!is_so()) {
      ASSERT_LT(Clock::System().SinceBoot(), end);
      pool.Pick();
      std::this_thread::yield();
    }
  }
  static grpc::Status Check(ServicePool<Health::Stub>& pool) {
    grpc::ClientContext context;
    HealthCheckResponse response;
    return pool.Pick()->Check(&context, {}, &response);
  }

  testing::Server server_;
  Connection connection_ = server_.Connect();
  Registrations registrations_{connection_};
};

TEST_F(ServicePoolTest, EachCallGoesToTheNextInstance) {
  Instance a, b;
  Register("a", a.port());
  Register("b", b.port());
  Locator locator = OpenLocator();
  ServicePool<Health::Stub> pool(locator, "Health");
  for (int i = 0; i < 10; ++i) {
    const grpc::Status status = Check(pool);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_EQ(a.checks(), 5);
  EXPECT_EQ(b.checks(), 5);
  EXPECT_EQ(pool.channels(), 2);
}

TEST_F(ServicePoolTest, WhereNobodyIsPickedCallsOfEveryKindEndWithTheReason) {
  Locator locator = OpenLocator();
  ServicePool<Health::Stub> pool(locator, "Health");
  PickedStub<Health::Stub> picked = pool.Pick();
  EXPECT_FALSE(picked.ok());
  EXPECT_EQ(picked.status().code(), absl::StatusCode::kNotFound) << picked.status();
  EXPECT_FALSE(picked.pick().has_value());

  grpc::ClientContext unary, stream, callback;
  HealthCheckResponse response;
  const grpc::Status status = picked->Check(&unary, {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << status.error_message();
  EXPECT_EQ(status.error_message(), picked.status().message());

  const auto reader = picked->Watch(&stream, {});
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::NOT_FOUND);

  Mutex mu;
  CondVar changed;
  grpc::StatusCode told = grpc::StatusCode::OK;
  const HealthCheckRequest request;
  picked->async()->Check(&callback, &request, &response, [&](grpc::Status ended) {
    MutexLock lock(&mu);
    told = ended.error_code();
    changed.NotifyAll();
  });
  MutexLock lock(&mu);
  EXPECT_TRUE(AwaitLocked(&mu, &changed, [&] { return told != grpc::StatusCode::OK; }));
  EXPECT_EQ(told, grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServicePoolTest, ACallThatRunsCountsUntilItsStatusIsThere) {
  Instance a, b;
  Register("a", a.port());
  Locator locator = OpenLocator({.strategy = {.kind = discovery::StrategyKind::kLeastLoaded}});
  ServicePool<Health::Stub> pool(locator, "Health");
  grpc::ClientContext context;
  const auto reader = pool.Pick()->Watch(&context, {});
  ASSERT_TRUE(a.AwaitWatches(1));
  Register("b", b.port());
  AwaitPicks(pool, [&] { return locator.SnapshotOf("Health")->resolvable() == 2; });
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Check(pool).ok());
  EXPECT_EQ(a.checks(), 0) << "it is busy";
  EXPECT_EQ(b.checks(), 10);
  a.LetGo();
  HealthCheckResponse response;
  while (reader->Read(&response)) {
  }
  ASSERT_TRUE(reader->Finish().ok());
  // The context still lives.
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Check(pool).ok());
  EXPECT_EQ(a.checks(), 5);
}

TEST_F(ServicePoolTest, AnInstanceWhoseCallsFailIsEjected) {
  Instance a, b;
  Register("a", a.port());
  Register("b", b.port());
  a.Answer(grpc::Status(grpc::StatusCode::INTERNAL, "broken"));
  b.Answer(grpc::Status(grpc::StatusCode::NOT_FOUND, "the caller's mistake"));
  Locator locator = OpenLocator({.ejection = EjectionOptions{.failures_in_row = 3}});
  ServicePool<Health::Stub> pool(locator, "Health");
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(Check(pool).ok());
  ASSERT_EQ(a.checks(), 3);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Check(pool).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(a.checks(), 3);
}

TEST_F(ServicePoolTest, ACallOutlivesTheRegistrationOfItsInstance) {
  Instance a;
  Register("a", a.port());
  Locator locator = OpenLocator();
  ServicePool<Health::Stub> pool(locator, "Health");
  grpc::ClientContext context;
  const auto reader = pool.Pick()->Watch(&context, {});
  ASSERT_TRUE(a.AwaitWatches(1));
  EXPECT_EQ(pool.channels(), 1);
  ASSERT_TRUE(registrations_.Deregister({"default", "Health", "a"}).ok());
  AwaitPicks(pool, [&] { return pool.channels() == 0; });
  a.LetGo();
  int messages = 0;
  for (HealthCheckResponse response; reader->Read(&response);) ++messages;
  EXPECT_EQ(messages, 2);
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(ServicePoolTest, AnInstanceThatHasMovedIsCalledWhereItIs) {
  Instance before, after;
  Register("a", before.port());
  Locator locator = OpenLocator();
  ServicePool<Health::Stub> pool(locator, "Health");
  ASSERT_TRUE(Check(pool).ok());
  ASSERT_TRUE(registrations_.Update({"default", "Health", "a"}, {.set = {{"port", absl::StrCat(after.port())}}}).ok());
  AwaitPicks(pool, [&] {
    const PickedStub<Health::Stub> picked = pool.Pick();
    return picked.ok() && picked.pick()->endpoint()->url.port == after.port();
  });
  ASSERT_TRUE(Check(pool).ok());
  EXPECT_EQ(before.checks(), 1);
  EXPECT_EQ(after.checks(), 1);
  EXPECT_EQ(pool.channels(), 1);
}

TEST_F(ServicePoolTest, ManyThreadsPickWhileInstancesComeAndGo) {
  Instance a, b;
  Register("a", a.port());
  Register("b", b.port());
  Locator locator = OpenLocator();
  ServicePool<Health::Stub> pool(locator, "Health", {.channels_max = 1});
  std::atomic<bool> over = false;
  std::atomic<int> failed = 0, called = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      while (!over) {
        if (!Check(pool).ok()) ++failed;
        ++called;
      }
    });
  }
  for (int round = 0; round < 10; ++round) {
    EXPECT_TRUE(registrations_.Deregister({"default", "Health", "b"}).ok());
    Register("b", b.port());
    const int before = called;
    while (called < before + 20) std::this_thread::yield();
  }
  EXPECT_TRUE(registrations_.Deregister({"default", "Health", "b"}).ok());
  over = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failed, 0) << "both serve, registered or not";
  AwaitPicks(pool, [&] { return locator.SnapshotOf("Health")->resolvable() == 1; });
  EXPECT_LE(pool.channels(), 1);
}

TEST_F(ServicePoolTest, NoMoreChannelsAreKeptThanAllowed) {
  std::vector<std::unique_ptr<Instance>> instances;
  for (int i = 0; i < 3; ++i) {
    instances.push_back(std::make_unique<Instance>());
    Register(absl::StrCat("i", i), instances.back()->port());
  }
  Locator locator = OpenLocator();
  ServicePool<Health::Stub> pool(locator, "Health", {.channels_max = 2});
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(Check(pool).ok());
    EXPECT_LE(pool.channels(), 2);
  }
  for (const auto& instance : instances) EXPECT_EQ(instance->checks(), 3);
}

TEST_F(ServicePoolTest, AnEndpointThatIsNotGrpcsIsRefusedByName) {
  Register("a", 80, "amqp");
  Locator locator = OpenLocator();
  ServicePool<Health::Stub> pool(locator, "Health", {.resolve = {.endpoint = "amqp"}});
  const absl::Status status = pool.Pick().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_EQ(ReasonOf(status), Reason::kNoneMatches);
  EXPECT_NE(status.message().find("amqp://127.0.0.1:80"), absl::string_view::npos) << status;
}

TEST_F(ServicePoolTest, WrongOptionsAreToldWithEachPick) {
  Locator locator = OpenLocator();
  ServicePool<Health::Stub> pool(locator, "Health", {.judge = nullptr, .channels_max = 0});
  const absl::Status status = pool.Pick().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_NE(status.message().find("channels_max"), absl::string_view::npos) << status;
  EXPECT_EQ(Check(pool).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace scoutlight

#ifndef SCOUTLIGHT_TESTS_E2E_SERVER_PAIR_H_
#define SCOUTLIGHT_TESTS_E2E_SERVER_PAIR_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "scoutlight/discovery/v1/discovery.grpc.pb.h"
#include "scoutlight/discovery/v1/registration.grpc.pb.h"
#include "storage/etcd/etcd_process.h"
#include "tests/e2e/subscriber_stream.h"
#include "tests/support/client.h"
#include "tests/support/deadline.h"
#include "tests/support/server_process.h"

namespace scoutlight::testing {

// One of several servers over a store, with a connection to it.
class PairedServer {
 public:
  explicit PairedServer(const std::string& store_flag) : process_(StartServer({.flags = {store_flag}})), address_(process_->address()) {
    client_ = std::make_unique<Client>(address_);
    registration_ = disco::RegistrationService::NewStub(client_->channel());
    discovery_ = disco::DiscoveryService::NewStub(client_->channel());
    // The catalog is read in the background.
    EXPECT_TRUE(WaitUntil([this] { return Call(&disco::DiscoveryService::Stub::ListClusters, disco::ListClustersRequest()).ok(); }));
  }

  ServerProcess& process() { return *process_; }
  Client& client() { return *client_; }
  const std::string& address() const { return address_; }

  template <typename Request, typename Response>
  Answered<Response> Call(grpc::Status (disco::RegistrationService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                          const Request& request, absl::Duration timeout = kCallTimeout) {
    return CallOf(*registration_, method, request, timeout);
  }
  template <typename Request, typename Response>
  Answered<Response> Call(grpc::Status (disco::DiscoveryService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                          const Request& request) {
    return CallOf(*discovery_, method, request, kCallTimeout);
  }

  std::unique_ptr<SubscriberStream> Subscribe(const std::string& id) {
    auto stream = std::make_unique<SubscriberStream>(*discovery_);
    EXPECT_TRUE(stream->Subscribe(id, "Printer"));
    return stream;
  }
  // Those that are subscribed and have confirmed what there is.
  std::vector<std::unique_ptr<SubscriberStream>> SubscribeAll(const std::string& prefix, int count) {
    std::vector<std::unique_ptr<SubscriberStream>> streams;
    for (int i = 0; i < count; ++i) streams.push_back(Subscribe(absl::StrCat(prefix, i)));
    for (const auto& stream : streams) {
      EXPECT_TRUE(stream->TakeUntil([](const SubscriberStream&) { return true; }));
      EXPECT_TRUE(stream->Confirm());
    }
    return streams;
  }

  Answered<disco::DrainResponse> Drain(const std::string& service, const std::string& id, absl::Duration timeout) {
    disco::DrainRequest request;
    request.mutable_name()->set_service(service);
    request.mutable_name()->set_id(id);
    *request.mutable_timeout() = WireDuration(timeout);
    return Call(&disco::RegistrationService::Stub::Drain, request, timeout + kCallTimeout);
  }

 private:
  template <typename Stub, typename Request, typename Response>
  Answered<Response> CallOf(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                            const Request& request, absl::Duration timeout) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout));
    Answered<Response> answered;
    answered.status = (stub.*method)(&context, request, &answered.message);
    return answered;
  }

  const std::unique_ptr<ServerProcess> process_;
  const std::string address_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<disco::RegistrationService::Stub> registration_;
  std::unique_ptr<disco::DiscoveryService::Stub> discovery_;
};

// Two servers over one etcd, with a part of it for each test.
class ServerPair : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { etcd_ = storage::EtcdProcess::Start().release(); }
  static void TearDownTestSuite() { delete etcd_; }

  ServerPair() {
    if (etcd_ == nullptr) return;
    a_ = NewServer();
    b_ = NewServer();
  }

  std::unique_ptr<PairedServer> NewServer() const { return NewServerOver(etcd_->target()); }
  // `etcd`: where it finds the etcd of all.
  static std::unique_ptr<PairedServer> NewServerOver(const std::string& etcd) {
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string prefix = absl::StrCat(test->test_suite_name(), ".", test->name());
    for (char& each : prefix) each = each == '/' ? '.' : each;
    return std::make_unique<PairedServer>(absl::StrCat("--store=etcd://", etcd, "/", prefix));
  }
  PairedServer& a() { return *a_; }
  PairedServer& b() { return *b_; }

  void SetUp() override { ASSERT_NE(a_, nullptr) << "there is no etcd"; }

  static storage::EtcdProcess* etcd_;
  std::unique_ptr<PairedServer> a_;
  std::unique_ptr<PairedServer> b_;
};

inline storage::EtcdProcess* ServerPair::etcd_ = nullptr;

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_E2E_SERVER_PAIR_H_

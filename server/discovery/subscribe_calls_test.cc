// Where the messages of Subscribe are read, through gRPC.
#include "server/discovery/subscribe_calls.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/reader_pool.h"
#include "discovery/bindings.h"
#include "discovery/catalog.h"
#include "discovery/claims.h"
#include "discovery/shipped_schemas.h"
#include "server/discovery/discovery_service.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"

namespace scoutlight::server {
namespace {

namespace wire = ::scoutlight::discovery::v1;
using storage::AwaitCondition;

// Together with the first message's, as many services as a stream may have: some 200 KiB.
constexpr int kServices = limits::kSubscribedServicesMax - 1;

class SubscribeCallsTest : public ::testing::Test {
 protected:
  using Stream = grpc::ClientReaderWriter<wire::SubscribeRequest, wire::SubscribeResponse>;

  SubscribeCallsTest()
      : catalog_(std::make_shared<discovery::Catalog>(*discovery::Claims::Create(discovery::ShippedSchemas(), discovery::Bindings()))),
        admission_([this](const Identity& /*identity*/, absl::string_view /*method*/, const KeyRange& /*range*/) {
          MutexLock lock(&mu_);
          read_on_.insert(std::this_thread::get_id());
          return absl::OkStatus();
        }),
        hub_({.catalog = [this] { return catalog_; },
              .clock = &clock_,
              .store_id = "store",
              .random = [] { return 1; },
              .places = places_,
              .count_watches = nullptr,
              .count_resolvers = nullptr}),
        service_({.admission = &admission_, .readers = &readers_, .subscribers = &hub_}) {
    hub_.Start();
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = wire::DiscoveryService::NewStub(grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
    stream_ = stub_->Subscribe(&context_);
    wire::SubscribeRequest first;
    first.set_subscriber_id("me");
    first.add_add()->set_service("first");
    EXPECT_TRUE(stream_->Write(first));
    EXPECT_TRUE(AwaitSubscriptions(1));
  }
  ~SubscribeCallsTest() override {
    LetReader();
    context_.TryCancel();
    if (!finished_) Finish();
    server_->Shutdown();
  }

  grpc::Status Finish() {
    finished_ = true;
    wire::SubscribeResponse response;
    while (stream_->Read(&response)) {
    }
    return stream_->Finish();
  }

  static std::string Name(int i) { return absl::StrCat(std::string(limits::kNameBytesMax - 10, 's'), i); }
  static wire::SubscribeRequest LongMessage() {
    wire::SubscribeRequest request;
    for (int i = 0; i < kServices; ++i) request.add_add()->set_service(Name(i));
    return request;
  }
  bool AwaitSubscriptions(int count) {
    return AwaitCondition([&] { return hub_.counts().subscriptions == count; });
  }
  std::set<std::thread::id> TakeReadOn() {
    MutexLock lock(&mu_);
    return std::exchange(read_on_, {});
  }
  // The reader does nothing until LetReader().
  void HoldReader() {
    readers_.Run([this] {
      held_.Notify();
      let_.WaitForNotification();
    });
    held_.WaitForNotification();
  }
  void LetReader() {
    if (!let_.HasBeenNotified()) let_.Notify();
  }
  std::thread::id AwaitReader() {
    std::promise<std::thread::id> id;
    readers_.Run([&id] { id.set_value(std::this_thread::get_id()); });
    return id.get_future().get();
  }

  storage::FakeClock clock_;
  const std::shared_ptr<discovery::Catalog> catalog_;
  const std::shared_ptr<StreamPlaces> places_ = std::make_shared<StreamPlaces>(10);
  Mutex mu_;
  std::set<std::thread::id> read_on_ ABSL_GUARDED_BY(mu_);  // Since TakeReadOn().
  absl::Notification held_;
  absl::Notification let_;
  const Admission admission_;
  SubscriberHub hub_;
  ReaderPool readers_{1, 1};
  DiscoveryService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<wire::DiscoveryService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<Stream> stream_;
  bool finished_ = false;
};

TEST_F(SubscribeCallsTest, ALongMessageIsReadOnAReaderAndAShortOneIsNot) {
  const std::thread::id reader = AwaitReader();
  const std::set<std::thread::id> of_short = TakeReadOn();
  EXPECT_EQ(of_short.size(), 1u);
  EXPECT_FALSE(of_short.contains(reader));
  ASSERT_TRUE(stream_->Write(LongMessage()));
  ASSERT_TRUE(AwaitSubscriptions(1 + kServices));
  EXPECT_EQ(TakeReadOn(), std::set<std::thread::id>{reader});
}

TEST_F(SubscribeCallsTest, AShortMessageWaitsForTheLongOneBeforeIt) {
  HoldReader();
  ASSERT_TRUE(stream_->Write(LongMessage()));
  wire::SubscribeRequest shorter;
  shorter.add_remove()->set_service("first");
  shorter.add_remove()->set_service(Name(0));
  ASSERT_TRUE(stream_->Write(shorter));
  EXPECT_EQ(hub_.counts().subscriptions, 1);
  LetReader();
  EXPECT_TRUE(AwaitSubscriptions(kServices - 1));
}

TEST_F(SubscribeCallsTest, ALongMessageThatIsWrongEndsTheStreamAndNothingOfItIsDone) {
  wire::SubscribeRequest wrong = LongMessage();
  wrong.add_add()->set_service("a/b");
  ASSERT_TRUE(stream_->Write(wrong));
  EXPECT_EQ(Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(hub_.counts().subscriptions, 1) << "of the one that is gone";
}

TEST_F(SubscribeCallsTest, OneThatGoesWhileItsMessageWaitsIsGone) {
  HoldReader();
  ASSERT_TRUE(stream_->Write(LongMessage()));
  context_.TryCancel();
  ASSERT_TRUE(AwaitCondition([this] { return places_->taken() == 0; }));
  LetReader();
  AwaitReader();
  EXPECT_TRUE(AwaitCondition([this] { return hub_.counts().gone == 1; }));
  EXPECT_EQ(hub_.counts().subscriptions, 1) << "nothing of the message was done";
}

}  // namespace
}  // namespace scoutlight::server

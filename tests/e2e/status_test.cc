// AdminService.Status: what an operator is told of a server, the loss breaker, sessions, subscribers and drains among it.
#include <gmock/gmock.h>

#include <algorithm>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "scoutlight/admin/v1/admin.grpc.pb.h"
#include "tests/e2e/discovery_fixture.h"
#include "tests/support/frame_reader.h"

namespace scoutlight::testing {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

// A bidirectional stream whose first message is sent.
template <typename Request, typename Response>
class OpenedStream : public FrameReader<grpc::ClientAsyncReaderWriter<Request, Response>, Response> {
 public:
  template <typename Start>
  OpenedStream(Start start, const Request& first) {
    this->Begin(this->kStart);
    this->stream_ = start(&this->context_, &this->queue_, this->TagOf(this->kStart));
    this->Await(this->kStart, kSoon);
    this->Begin(this->kWrite);
    this->stream_->Write(first, this->TagOf(this->kWrite));
    EXPECT_TRUE(this->Await(this->kWrite, kSoon).value_or(false));
  }
};
using SessionStream = OpenedStream<disco::SessionRequest, disco::SessionResponse>;
using SubscribeStream = OpenedStream<disco::SubscribeRequest, disco::SubscribeResponse>;

class StatusTest : public Discovery {
 protected:
  StatusTest() : admin_(admin::v1::AdminService::NewStub(client().channel())) {}

  admin::v1::StatusResponse Status() {
    const auto answered = CallOf(*admin_, &admin::v1::AdminService::Stub::Status, admin::v1::StatusRequest());
    EXPECT_TRUE(answered.ok()) << answered.status.error_message();
    return answered.message;
  }
  // The first one that `is` likes, or the last one that there was time for.
  template <typename Is>
  admin::v1::StatusResponse AwaitStatus(Is is) {
    admin::v1::StatusResponse status;
    EXPECT_TRUE(WaitUntil([&] { return is(status = Status()); })) << status.ShortDebugString();
    return status;
  }
  // `all` instances of "Printer", of which `lost` are on one lease that nobody renews.
  void Register(int all, int lost) {
    wire::GrantRequest grant;
    grant.mutable_ttl()->set_seconds(4);
    const auto granted = CallOf(*leases_, &wire::LeaseService::Stub::Grant, grant);
    ASSERT_TRUE(granted.ok()) << granted.status.error_message();
    disco::RegisterAllRequest request;
    for (int i = 0; i < all; ++i) {
      disco::RegisterRequest one = RegisterOf("Printer", absl::StrCat("i", i), kLaser);
      if (i < lost) one.set_lease_id(granted->lease().lease_id());
      *request.add_registrations() = one;
    }
    const auto registered = Call(&disco::RegistrationService::Stub::RegisterAll, request);
    ASSERT_TRUE(registered.ok()) << registered.status.error_message();
  }

  const std::unique_ptr<admin::v1::AdminService::Stub> admin_;
};

TEST_F(StatusTest, AFreshServerServesAndHoldsNothing) {
  const admin::v1::StatusResponse status = Status();
  EXPECT_FALSE(status.version().empty());
  EXPECT_EQ(status.state(), admin::v1::SERVING_STATE_SERVING);
  // It lies on this machine's disk, of which little may be left.
  EXPECT_THAT(status.problems(), Each(HasSubstr("left for puts")));
  EXPECT_EQ(status.store().kind(), "rocksdb");
  EXPECT_EQ(status.store().oldest_revision(), 1);
  EXPECT_TRUE(status.store().has_leases());
  EXPECT_EQ(status.revision(), 1);
  EXPECT_EQ(status.store_id().size(), 32U);
  EXPECT_TRUE(status.discovery().ready());
  EXPECT_EQ(status.discovery().totals().instances(), 0);
  EXPECT_GT(status.started_at().seconds(), 1'600'000'000);
  EXPECT_GE(status.limits().size(), 90U);
  EXPECT_EQ(status.limits().at("key_bytes_max"), 1'024);
  EXPECT_EQ(status.streams().open_max(), status.limits().at("streams_max"));
}

TEST_F(StatusTest, AGuardedServiceIsNamedUntilItsLossIsConfirmed) {
  Register(10, 6);
  const admin::v1::StatusResponse guarded = AwaitStatus([](const auto& status) { return status.discovery().totals().held() == 6; });
  EXPECT_EQ(guarded.discovery().totals().instances(), 10);
  EXPECT_EQ(guarded.discovery().totals().resolvable(), 4);
  ASSERT_EQ(guarded.discovery().guarded_size(), 1);
  const admin::v1::GuardedService& service = guarded.discovery().guarded(0);
  EXPECT_EQ(service.cluster(), "default");
  EXPECT_EQ(service.service(), "Printer");
  EXPECT_EQ(service.held(), 6);
  EXPECT_EQ(guarded.discovery().guarded_omitted(), 0);
  int64_t last = 0;
  for (int i = 0; i < 6; ++i) last = std::max<int64_t>(last, Get("Printer", absl::StrCat("i", i))->instance().held_until().seconds());
  EXPECT_EQ(service.held_until().seconds(), last);

  disco::ConfirmLossRequest confirm;
  confirm.set_service("Printer");
  ASSERT_EQ(Call(&disco::RegistrationService::Stub::ConfirmLoss, confirm)->confirmed(), 6);
  const admin::v1::StatusResponse after = Status();
  EXPECT_EQ(after.discovery().totals().held(), 0);
  EXPECT_EQ(after.discovery().totals().instances(), 4);
  EXPECT_EQ(after.discovery().guarded_size(), 0);
}

TEST_F(StatusTest, SessionsSubscribersAndDrainsAreCounted) {
  ASSERT_TRUE(Discovery::Register("Printer", "laser", kLaser).ok());
  disco::SessionRequest open;
  open.mutable_open()->set_session_id("desk");
  open.mutable_open()->mutable_ttl()->set_seconds(600);
  SessionStream session([this](auto... start) { return registration_->AsyncSession(start...); }, open);
  disco::SubscribeRequest subscribe;
  subscribe.set_subscriber_id("pager");
  subscribe.add_add()->set_service("Printer");
  auto subscriber = std::make_unique<SubscribeStream>([this](auto... start) { return discovery_->AsyncSubscribe(start...); }, subscribe);
  InstanceReader watch(*discovery_, WatchedService("Printer"));
  // Its view is there, so that it counts when it is gone.
  while (std::optional<disco::SubscribeResponse> message = subscriber->Next(kSoon)) {
    if (message->frame().kind() == disco::WatchResponse::KIND_SNAPSHOT_END) break;
  }
  const auto busy = AwaitStatus([](const auto& status) {
    return status.streams().sessions() == 1 && status.discovery().subscribers() == 1 && status.streams().instance_watches() == 1 &&
           status.store().leases() == 1;
  });
  EXPECT_EQ(busy.streams().open(), 3);
  EXPECT_EQ(busy.discovery().subscriptions(), 1);
  EXPECT_EQ(busy.discovery().subscribers_gone(), 0);

  // Nobody confirms.
  disco::DrainRequest drain;
  drain.mutable_name()->set_service("Printer");
  drain.mutable_name()->set_id("laser");
  drain.mutable_timeout()->set_seconds(300);
  grpc::ClientContext context;
  auto drained = std::async(std::launch::async, [&] {
    disco::DrainResponse response;
    return registration_->Drain(&context, drain, &response);
  });
  AwaitStatus([](const auto& status) { return status.discovery().drains() == 1; });
  context.TryCancel();
  EXPECT_EQ(drained.get().error_code(), grpc::StatusCode::CANCELLED);
  AwaitStatus([](const auto& status) { return status.discovery().drains() == 0; });

  subscriber.reset();
  const auto gone = AwaitStatus([](const auto& status) { return status.discovery().subscribers_gone() == 1; });
  EXPECT_EQ(gone.discovery().subscribers(), 0);
}

}  // namespace
}  // namespace scoutlight::testing

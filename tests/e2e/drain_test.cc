// Drains: an instance leaves when everybody who may send it work has confirmed that it goes, and who has not is named.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/discovery_fixture.h"
#include "tests/e2e/subscriber_stream.h"
#include "tests/support/deadline.h"
#include "tests/support/failure.h"
#include "tests/support/stream_loop.h"

namespace scoutlight::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// How long a drain may wait at most, where it is to be complete.
constexpr absl::Duration kLong = absl::Seconds(90);

class DrainTest : public Discovery {
 protected:
  using Drained = Answered<disco::DrainResponse>;

  static disco::DrainRequest DrainOf(const std::string& id, absl::Duration timeout = kLong) {
    disco::DrainRequest request;
    request.mutable_name()->set_service("Printer");
    request.mutable_name()->set_id(id);
    *request.mutable_timeout() = WireDuration(timeout);
    return request;
  }
  Drained Drain(const disco::DrainRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(3));
    Drained drained;
    drained.status = registration_->Drain(&context, request, &drained.message);
    return drained;
  }
  std::future<Drained> BeginDrain(const disco::DrainRequest& request) {
    return std::async(std::launch::async, [this, request] { return Drain(request); });
  }
  static bool IsReady(const std::future<Drained>& drained) {
    return drained.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
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
  disco::ListSubscribersResponse Subscribers() {
    disco::ListSubscribersRequest request;
    request.set_service("Printer");
    const auto listed = Call(&disco::DiscoveryService::Stub::ListSubscribers, request);
    EXPECT_TRUE(listed.ok()) << listed.status.error_message();
    return listed.message;
  }
  // Waits until the server has sent subscriber `id` so much, and heard that of it.
  bool AwaitSubscriber(const std::string& id, int64_t sent, int64_t confirmed) {
    const Deadline deadline(kSoon);
    while (!deadline.passed()) {
      const disco::ListSubscribersResponse listed = Subscribers();
      for (const auto& one : listed.subscribers()) {
        if (one.subscriber_id() == id && one.sent() >= sent && one.confirmed() >= confirmed) return true;
      }
    }
    return false;
  }
  // No drain is complete before: not even one that nobody could act on.
  void AwaitEndOfTheHoldAfterAStart() {
    ASSERT_TRUE(Register("Quiet", "one", kLaser).ok());
    disco::DrainRequest request = DrainOf("one");
    request.mutable_name()->set_service("Quiet");
    const Drained quiet = Drain(request);
    ASSERT_TRUE(quiet.ok()) << quiet.status.error_message();
    ASSERT_TRUE(quiet->complete());
  }
  static std::vector<std::string> Laggards(const Drained& drained) {
    std::vector<std::string> ids;
    for (const auto& laggard : drained->laggards()) ids.push_back(laggard.subscriber_id());
    return ids;
  }
};

TEST_F(DrainTest, WhoDoesNotConfirmIsNamedAndNobodyElse) {
  ASSERT_TRUE(Register("Printer", "laser", kLaser).ok());
  const auto quick = SubscribeAll("quick", 199);
  const auto silent = SubscribeAll("silent", 1);
  const auto deaf = Subscribe("deaf");  // It reads nothing at all.
  ASSERT_TRUE(AwaitSubscriber("deaf", 3, 0));
  ASSERT_EQ(Subscribers().subscribers_size(), 201);

  std::future<Drained> first = BeginDrain(DrainOf("laser", absl::Seconds(20)));
  for (const auto& stream : quick) {
    ASSERT_TRUE(stream->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
    ASSERT_TRUE(stream->Confirm());
  }
  ASSERT_TRUE(silent[0]->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
  const Drained named = first.get();
  ASSERT_TRUE(named.ok()) << named.status.error_message();
  EXPECT_FALSE(named->complete());
  EXPECT_THAT(Laggards(named), UnorderedElementsAre("silent0", "deaf"));
  EXPECT_FALSE(named->laggards(0).gone());
  EXPECT_EQ(named->store_id(), Get("Printer", "laser")->store_id());

  ASSERT_TRUE(silent[0]->Confirm());
  ASSERT_TRUE(deaf->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
  ASSERT_TRUE(deaf->Confirm());
  const Drained second = Drain(DrainOf("laser"));
  ASSERT_TRUE(second.ok()) << second.status.error_message();
  EXPECT_TRUE(second->complete());
  EXPECT_THAT(Laggards(second), IsEmpty());
  EXPECT_EQ(second->revision(), named->revision());
  EXPECT_EQ(Get("Printer", "laser")->instance().status(), disco::INSTANCE_STATUS_DRAINING);
}

TEST_F(DrainTest, AfterACrashThoseWhoComeBackAreWaitedFor) {
  ASSERT_TRUE(Register("Printer", "laser", kLaser).ok());
  { const auto before = SubscribeAll("s", 5); }
  KillAndRestart();
  Connect();
  std::future<Drained> drained = BeginDrain(DrainOf("laser"));
  // Those who come back are never shown it at work: that they were before the crash is what the server has to assume.
  ASSERT_TRUE(WaitUntil([this] { return Get("Printer", "laser")->instance().status() == disco::INSTANCE_STATUS_DRAINING; }));
  std::vector<std::unique_ptr<SubscriberStream>> back;
  for (int i = 0; i < 5; ++i) back.push_back(Subscribe(absl::StrCat("s", i)));
  for (const auto& stream : back) ASSERT_TRUE(stream->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
  AwaitEndOfTheHoldAfterAStart();
  for (int i = 0; i < 5; ++i) {
    // What this asks is answered after a drain that does not wait any more.
    EXPECT_EQ(Subscribers().subscribers_size(), 5);
    EXPECT_FALSE(IsReady(drained)) << "before the last one has confirmed";
    ASSERT_TRUE(back[i]->Confirm());
    ASSERT_TRUE(AwaitSubscriber(absl::StrCat("s", i), 3, 3));
  }
  const Drained answer = drained.get();
  ASSERT_TRUE(answer.ok()) << answer.status.error_message();
  EXPECT_TRUE(answer->complete());
  EXPECT_THAT(Laggards(answer), IsEmpty());
}

TEST_F(DrainTest, PollersAreCountedAndDrainingInstancesNotResolved) {
  ASSERT_TRUE(Register("Printer", "laser", kLaser).ok());
  EXPECT_EQ(Picked(ResolveOf("Printer")), "laser");
  const Drained drained = Drain(DrainOf("laser", absl::ZeroDuration()));
  ASSERT_TRUE(drained.ok()) << drained.status.error_message();
  EXPECT_EQ(drained->recent_resolvers(), 1);
  EXPECT_THAT(Laggards(drained), IsEmpty());
  const auto resolved = Resolve(ResolveOf("Printer"));
  EXPECT_EQ(FailureOf(resolved.status).reason, "NONE_RESOLVABLE");
}

TEST_F(DrainTest, WhatCannotDrainIsTold) {
  const auto registered = Register("Printer", "laser", kLaser);
  ASSERT_TRUE(registered.ok());
  ASSERT_TRUE(client().Put("/default/services/Printer/byhand/hostname", "h").ok());
  EXPECT_EQ(FailureOf(Drain(DrainOf("nobody")).status).reason, "INSTANCE_NOT_FOUND");
  const Drained by_hand = Drain(DrainOf("byhand"));
  EXPECT_EQ(by_hand.status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(FailureOf(by_hand.status).reason, "NOT_REGISTERED");
  disco::DrainRequest fenced = DrainOf("laser");
  fenced.set_epoch(registered->instance().epoch() + 1);
  EXPECT_EQ(FailureOf(Drain(fenced).status).reason, "FENCED");
  disco::DrainRequest wrong = DrainOf("laser");
  wrong.mutable_timeout()->set_seconds(601);
  wrong.mutable_linger()->set_seconds(-1);
  const Drained refused = Drain(wrong);
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Get("Printer", "laser")->instance().status(), disco::INSTANCE_STATUS_UP);
}

TEST_F(DrainTest, ARepetitionIsKnownAndWaitsAnew) {
  ASSERT_TRUE(Register("Printer", "laser", kLaser).ok());
  disco::DrainRequest request = DrainOf("laser", absl::ZeroDuration());
  request.set_request_id("once");
  const Drained first = Drain(request);
  ASSERT_TRUE(first.ok()) << first.status.error_message();
  EXPECT_FALSE(first->replayed());
  const Drained again = Drain(request);
  ASSERT_TRUE(again.ok()) << again.status.error_message();
  EXPECT_TRUE(again->replayed());
  EXPECT_EQ(again->revision(), first->revision());
}

// A Drain that its caller may leave.
struct DrainCall {
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<disco::DrainResponse>> reader;
  disco::DrainResponse response;
  grpc::Status status;
  bool over = false;
};

TEST_F(DrainTest, ACallerThatGoesGivesItsPlaceBack) {
  constexpr int kPlaces = 1'000, kOfAConnection = 200;
  ASSERT_TRUE(Register("Printer", "laser", kLaser).ok());
  const auto silent = SubscribeAll("silent", 1);
  StreamLoop loop;
  std::vector<std::unique_ptr<Client>> connections;
  std::vector<std::unique_ptr<disco::RegistrationService::Stub>> stubs;
  std::vector<std::unique_ptr<DrainCall>> calls;
  for (int i = 0; i <= kPlaces; ++i) {
    if (i % kOfAConnection == 0) {
      connections.push_back(std::make_unique<Client>(server().address()));
      stubs.push_back(disco::RegistrationService::NewStub(connections.back()->channel()));
    }
    DrainCall* const call = calls.emplace_back(std::make_unique<DrainCall>()).get();
    call->reader = stubs.back()->AsyncDrain(&call->context, DrainOf("laser"), loop.queue());
    call->reader->Finish(&call->response, &call->status, loop.TagOf([call](bool) { call->over = true; }));
  }
  const auto over = [&] { return std::count_if(calls.begin(), calls.end(), [](const auto& call) { return call->over; }); };
  ASSERT_TRUE(loop.RunUntil([&] { return over() > 0; }));
  ASSERT_EQ(over(), 1) << "all others wait";
  const auto refused = std::find_if(calls.begin(), calls.end(), [](const auto& call) { return call->over; });
  EXPECT_EQ((*refused)->status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(FailureOf((*refused)->status).reason, "OVERLOADED");
  EXPECT_EQ(FailureOf(Drain(DrainOf("laser", absl::ZeroDuration())).status).reason, "OVERLOADED");
  calls.erase(refused);
  calls.front()->context.TryCancel();
  EXPECT_TRUE(WaitUntil([this] { return Drain(DrainOf("laser", absl::ZeroDuration())).ok(); }));
  for (const auto& call : calls) call->context.TryCancel();
  EXPECT_TRUE(loop.RunUntil([&] { return over() == kPlaces; }));
  EXPECT_EQ(Get("Printer", "laser")->instance().status(), disco::INSTANCE_STATUS_DRAINING);
}

TEST_F(DrainTest, StoppingEndsSubscribersAndDrains) {
  ASSERT_TRUE(Register("Printer", "laser", kLaser).ok());
  const auto streams = SubscribeAll("s", 1);
  std::future<Drained> drained = BeginDrain(DrainOf("laser"));
  ASSERT_TRUE(streams[0]->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
  server().Signal(SIGTERM);
  EXPECT_EQ(FailureOf(streams[0]->End()).reason, "DRAINING");
  EXPECT_EQ(FailureOf(drained.get().status).reason, "DRAINING");
  EXPECT_EQ(server().WaitForExit(), Exit{.code = 0}) << server().errors();
  Start();
}

}  // namespace
}  // namespace scoutlight::testing

#ifndef SCOUTLIGHT_CLIENT_HTTP_CALL_FIXTURE_H_
#define SCOUTLIGHT_CLIENT_HTTP_CALL_FIXTURE_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "client/events/fake_stream.h"
#include "client/events/manual_loop.h"
#include "client/http/fake_transport.h"
#include "client/http/lane.h"
#include "client/http/request_check.h"
#include "client/http/retry_budget.h"
#include "client/http/running_call.h"
#include "client/http/test_clock.h"
#include "client/locator/locator_core.h"
#include "client/wire/instance_conversion.h"
#include "gtest/gtest.h"

// What the tests of calls share.
namespace scoutlight::client {

// A locator whose registry is the test.
class KnownInstances {
 public:
  explicit KnownInstances(Clock* clock) {
    core_ = std::make_unique<LocatorCore>(
        LocatorCore::Parts{
            .subscription = {
                .loop = &loop_, .open = streams_.opener(), .unit_random = [] { return 0.5; }, .new_id = [] { return std::string("id"); }},
            .callbacks = &callbacks_,
            .clock = clock,
            .saw = [](Revision, const StoreId&) {},
            .seed = 7,
            .keep = nullptr},
        LocatorOptions{});
    EXPECT_TRUE(core_->Follow({"Printer"}).ok());
    loop_.RunUntilIdle();
  }
  ~KnownInstances() {
    loop_.Post([this] { core_ = nullptr; });
    loop_.RunUntilIdle();
    callbacks_.RunUntilIdle();
  }

  // The first time: these are all there are. Then: these come, and that one goes.
  void Tell(const std::vector<discovery::Properties>& instances, const std::vector<std::string>& removed = {}) {
    using Frame = discovery::v1::WatchResponse;
    Frame frame;
    frame.set_kind(told_ ? Frame::KIND_CHANGES : Frame::KIND_SNAPSHOT);
    for (const discovery::Properties& properties : instances) {
      discovery::Instance instance;
      instance.name = {"default", "Printer", properties.at("hostname")};
      instance.properties = properties;
      instance.epoch = instance.mod_revision = 5;
      FillInstance(instance, frame.add_changed());
    }
    for (const std::string& id : removed) frame.add_removed(id);
    Deliver(std::move(frame));
    if (std::exchange(told_, true)) return;
    Frame end;
    end.set_kind(Frame::KIND_SNAPSHOT_END);
    Deliver(std::move(end));
  }
  // At http://{id}:80.
  void TellUp(const std::vector<std::string>& ids) {
    std::vector<discovery::Properties> instances;
    for (const std::string& id : ids) instances.push_back({{"hostname", id}, {"port", "80"}, {"protocol", "http"}});
    Tell(instances);
  }

  PickOne pick() {
    return [this](absl::string_view service, const ResolveOptions& options, const PickOptions& pick) {
      return core_->Resolve(service, options, pick, LocatorCore::Wait::kNever);
    };
  }

 private:
  void Deliver(discovery::v1::WatchResponse frame) {
    frame.set_revision(++revision_);
    frame.set_store_id("11111111111111111111111111111111");
    discovery::v1::SubscribeResponse response;
    response.mutable_service()->set_cluster("default");
    response.mutable_service()->set_service("Printer");
    *response.mutable_frame() = std::move(frame);
    streams_.Deliver(std::move(response));
  }

  ManualLoop loop_;
  ManualLoop callbacks_;
  FakeStreams<discovery::v1::SubscribeRequest, discovery::v1::SubscribeResponse> streams_{&loop_};
  std::unique_ptr<LocatorCore> core_;
  bool told_ = false;
  int64_t revision_ = 10;
};

// Calls over a transport and a clock that are the test's. Jitter is half of what it may be.
class CallFixture : public ::testing::Test {
 protected:
  using Result = std::optional<absl::StatusOr<HttpResponse>>;

  // Begins one; `options` from before it.
  void Begin(HttpRequest request = {.service = "Printer"}) {
    ASSERT_TRUE(CheckRequest(&request).ok());
    if (budget_ == nullptr) budget_ = std::make_unique<RetryBudget>(options.retry_budget, clock.SinceBoot());
    if (options.retry_policy == nullptr) options.retry_policy = std::make_shared<DefaultHttpRetryPolicy>();
    auto parts = std::make_shared<CallParts>();
    parts->pick = instances.pick();
    parts->options = options;
    parts->budget = budget_.get();
    parts->unit_random = [] { return 0.5; };
    call = std::make_shared<RunningCall>(std::move(parts), &lane, std::move(request), [this](absl::StatusOr<HttpResponse> given) {
      EXPECT_FALSE(result.has_value());
      result = std::move(given);
    });
    result = std::nullopt;
    call->Begin();
  }
  // Moves time on, from one moment at which something is due to the next, in steps of a millisecond.
  void Advance(absl::Duration duration) {
    for (absl::Duration passed; passed < duration; passed += absl::Milliseconds(1)) {
      clock.Advance(absl::Milliseconds(1));
      lane.RunOnce();
    }
    lane.RunOnce();
  }
  // The host of an exchange's URL.
  std::string HostOf(int exchange) {
    const std::string url = transport.at(exchange).request().url.substr(7);
    return url.substr(0, url.find(':'));
  }
  absl::StatusCode code() const { return result.has_value() ? result->status().code() : absl::StatusCode::kUnknown; }
  int status() const { return result.has_value() && result->ok() ? (*result)->status : 0; }

  HttpClientOptions options;
  TestClock clock;
  KnownInstances instances{&clock};
  std::unique_ptr<FakeTransport> owned_ = std::make_unique<FakeTransport>();
  FakeTransport& transport = *owned_;
  Lane lane{std::move(owned_), &clock};
  std::unique_ptr<RetryBudget> budget_;
  std::shared_ptr<RunningCall> call;
  Result result;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_CALL_FIXTURE_H_

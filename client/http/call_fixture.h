#ifndef SCOUTLIGHT_CLIENT_HTTP_CALL_FIXTURE_H_
#define SCOUTLIGHT_CLIENT_HTTP_CALL_FIXTURE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/http/drive_once.h"
#include "client/http/fake_transport.h"
#include "client/http/lane.h"
#include "client/http/request_check.h"
#include "client/http/retry_budget.h"
#include "client/http/running_call.h"
#include "client/locator/locator_fixture.h"
#include "gtest/gtest.h"

// What the tests of calls share.
namespace scoutlight::client {

// Calls over a transport, a clock and a registry that are the test's. Jitter is half of what it may be.
class CallFixture : public ::testing::Test {
 protected:
  using Result = std::optional<absl::StatusOr<HttpResponse>>;

  CallFixture() {
    EXPECT_TRUE(locator.core->Follow({"Printer"}).ok());
    locator.loop.RunUntilIdle();
  }

  // Which instances there are.
  void Tell(const std::vector<discovery::Instance>& instances) {
    locator.Deliver(SnapshotOf(instances));
    locator.Deliver(SnapshotEnd(10));
  }
  // At http://{id}:80.
  void TellUp(const std::vector<std::string>& ids) {
    std::vector<discovery::Instance> instances;
    for (const std::string& id : ids) instances.push_back(Up(id));
    Tell(instances);
  }

  // Begins one; `options` from before it.
  void Begin(HttpRequest request = {.service = "Printer"}) {
    ASSERT_TRUE(CheckRequest(&request).ok());
    if (budget_ == nullptr) budget_ = std::make_unique<RetryBudget>(options.retry_budget, lane.Now());
    if (options.retry_policy == nullptr) options.retry_policy = std::make_shared<DefaultHttpRetryPolicy>();
    auto parts = std::make_shared<CallParts>();
    parts->pick = [this](absl::string_view service, const ResolveOptions& resolve, const PickOptions& pick) {
      return locator.core->Resolve(service, resolve, pick, LocatorCore::Wait::kNever);
    };
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
      locator.loop.Advance(absl::Milliseconds(1));
      DriveOnce(&lane);
    }
    DriveOnce(&lane);
  }
  // The host of an exchange's URL.
  std::string HostOf(int exchange) {
    const std::string url = transport.at(exchange).request().url.substr(7);
    return url.substr(0, url.find(':'));
  }
  absl::StatusCode code() const { return result.has_value() ? result->status().code() : absl::StatusCode::kUnknown; }
  int status() const { return result.has_value() && result->ok() ? (*result)->status : 0; }

  HttpClientOptions options;
  LocatorFixture locator;
  std::unique_ptr<FakeTransport> owned_ = std::make_unique<FakeTransport>();
  FakeTransport& transport = *owned_;
  Lane lane{std::move(owned_), &locator.clock};
  std::unique_ptr<RetryBudget> budget_;
  std::shared_ptr<RunningCall> call;
  Result result;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_CALL_FIXTURE_H_

#include "client/endpoint_resolver.h"

#include <optional>
#include <utility>

#include "client/gates/gate_endpoints.h"
#include "client/gates/poller.h"

namespace scoutlight {
namespace {

class FromDiscovery final : public EndpointResolver {
 public:
  explicit FromDiscovery(Locator& locator) : locator_(locator) {}

  absl::StatusOr<std::unique_ptr<EndpointWatch>> Watch(const std::string& service, const std::string& queue, Callback callback) override {
    // What was told last: most changes of a service are none of its endpoints.
    auto told = std::make_shared<std::optional<std::vector<GateEndpoint>>>();
    absl::StatusOr<ChangeWatch> watch =
        locator_.OnChange(service, [queue, callback = std::move(callback), told](const ServiceChange& change) {
          std::vector<GateEndpoint> endpoints = client::GateEndpointsOf(*change.snapshot, queue);
          if (*told == endpoints) return;
          *told = endpoints;
          callback(std::move(endpoints));
        });
    if (!watch.ok()) return watch.status();
    return std::make_unique<Held>(*std::move(watch));
  }

 private:
  struct Held final : EndpointWatch {
    explicit Held(ChangeWatch held) : watch(std::move(held)) {}
    ChangeWatch watch;
  };

  Locator& locator_;
};

class FromList final : public EndpointResolver {
 public:
  explicit FromList(const std::vector<std::string>& urls) {
    for (const std::string& url : urls) endpoints_.push_back({.url = url});
  }

  absl::StatusOr<std::unique_ptr<EndpointWatch>> Watch(const std::string&, const std::string&, Callback callback) override {
    callback(endpoints_);
    return std::make_unique<EndpointWatch>();
  }

 private:
  std::vector<GateEndpoint> endpoints_;
};

class FromFunction final : public EndpointResolver {
 public:
  FromFunction(EndpointFunction function, absl::Duration period) : function_(std::move(function)), period_(period) {}

  absl::StatusOr<std::unique_ptr<EndpointWatch>> Watch(const std::string& service, const std::string& queue, Callback callback) override {
    std::vector<GateEndpoint> told = function_(service, queue);
    callback(told);
    return std::make_unique<Polled>(period_, [function = function_, service, queue, callback = std::move(callback), told]() mutable {
      std::vector<GateEndpoint> now = function(service, queue);
      if (now == told) return;
      told = now;
      callback(std::move(now));
    });
  }

 private:
  struct Polled final : EndpointWatch {
    Polled(absl::Duration period, std::function<void()> look) : poller(period, std::move(look)) {}
    client::Poller poller;
  };

  const EndpointFunction function_;
  const absl::Duration period_;
};

}  // namespace

std::shared_ptr<EndpointResolver> DiscoveryResolver(Locator& locator) { return std::make_shared<FromDiscovery>(locator); }
std::shared_ptr<EndpointResolver> StaticResolver(std::vector<std::string> urls) { return std::make_shared<FromList>(urls); }
std::shared_ptr<EndpointResolver> FunctionResolver(EndpointFunction function, absl::Duration period) {
  return std::make_shared<FromFunction>(std::move(function), period);
}

}  // namespace scoutlight

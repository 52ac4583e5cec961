#include "client/endpoint_resolver.h"

#include <optional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "client/events/thread_end.h"
#include "client/events/try_thread.h"
#include "client/gates/gate_endpoints.h"

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

// Asks a function again and again, on a thread that whoever made it starts.
class Asking {
 public:
  Asking(std::function<std::vector<GateEndpoint>()> function, absl::Duration period, EndpointResolver::Callback callback)
      : function_(std::move(function)), period_(period), callback_(std::move(callback)) {}

  // Until it is stopped.
  void Run() {
    std::optional<std::vector<GateEndpoint>> told;
    do {
      std::vector<GateEndpoint> now = function_();
      if (told == now || !BeginTelling()) continue;
      told = now;
      callback_(std::move(now));
      EndTelling();
    } while (Pause());
    end_.Tell();
  }
  // The callback is not called any more, and is over when this returns, unless that is called by it. Does not wait for the function.
  void Stop() {
    MutexLock lock(&mu_);
    stopped_ = true;
    changed_.NotifyAll();
    while (teller_ != std::thread::id() && teller_ != std::this_thread::get_id()) changed_.Wait(&mu_);
  }
  bool AwaitEnd(absl::Duration timeout) { return end_.Await(timeout); }

 private:
  bool BeginTelling() {
    MutexLock lock(&mu_);
    if (!stopped_) teller_ = std::this_thread::get_id();
    return !stopped_;
  }
  void EndTelling() {
    MutexLock lock(&mu_);
    teller_ = std::thread::id();
    changed_.NotifyAll();
  }
  // False: stopped.
  bool Pause() {
    MutexLock lock(&mu_);
    if (!stopped_) changed_.WaitFor(&mu_, period_);
    return !stopped_;
  }

  const std::function<std::vector<GateEndpoint>()> function_;
  const absl::Duration period_;
  const EndpointResolver::Callback callback_;
  client::ThreadEnd end_;
  Mutex mu_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::thread::id teller_ ABSL_GUARDED_BY(mu_);  // Who calls back; none: nobody does.
};

// Threads that ask one function: a watch that ends does not wait for a call that does not return.
constexpr size_t kAskingsMax = 1'000;

class FromFunction final : public EndpointResolver {
 public:
  FromFunction(EndpointFunction function, absl::Duration period) : function_(std::move(function)), period_(period) {}
  ~FromFunction() override {
    for (const auto& asking : askings_) asking->AwaitEnd(absl::InfiniteDuration());
  }

  absl::StatusOr<std::unique_ptr<EndpointWatch>> Watch(const std::string& service, const std::string& queue, Callback callback) override {
    auto asking =
        std::make_shared<Asking>([function = function_, service, queue] { return function(service, queue); }, period_, std::move(callback));
    MutexLock lock(&mu_);
    std::erase_if(askings_, [](const auto& one) { return one->AwaitEnd(absl::ZeroDuration()); });
    if (askings_.size() >= kAskingsMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the function is being asked by ", askings_.size(), " threads, at most ", kAskingsMax, " may: it does not return"));
    }
    if (!client::TryThread([asking] { asking->Run(); })) return absl::ResourceExhaustedError("no thread to ask for endpoints on");
    askings_.push_back(asking);
    return std::make_unique<Held>(std::move(asking));
  }

 private:
  struct Held final : EndpointWatch {
    explicit Held(std::shared_ptr<Asking> held) : asking(std::move(held)) {}
    ~Held() override { asking->Stop(); }
    const std::shared_ptr<Asking> asking;
  };

  const EndpointFunction function_;
  const absl::Duration period_;
  Mutex mu_;
  std::vector<std::shared_ptr<Asking>> askings_ ABSL_GUARDED_BY(mu_);  // Those whose threads have not ended.
};

}  // namespace

std::shared_ptr<EndpointResolver> DiscoveryResolver(Locator& locator) { return std::make_shared<FromDiscovery>(locator); }
std::shared_ptr<EndpointResolver> StaticResolver(std::vector<std::string> urls) { return std::make_shared<FromList>(urls); }
std::shared_ptr<EndpointResolver> FunctionResolver(EndpointFunction function, absl::Duration period) {
  return std::make_shared<FromFunction>(std::move(function), period);
}

}  // namespace scoutlight

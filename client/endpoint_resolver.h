#ifndef SCOUTLIGHT_CLIENT_ENDPOINT_RESOLVER_H_
#define SCOUTLIGHT_CLIENT_ENDPOINT_RESOLVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/gate_endpoint.h"
#include "client/locator.h"

namespace scoutlight {

// While it lives, a resolver's callback is called; not any more once its destructor has returned, unless that runs in the callback.
class EndpointWatch {
 public:
  virtual ~EndpointWatch() = default;
};

// Tells gates which endpoints stand behind a link. Thread-safe; no method blocks. Outlives its watches.
class EndpointResolver {
 public:
  using Callback = std::function<void(std::vector<GateEndpoint>)>;

  virtual ~EndpointResolver() = default;

  // Calls `callback` with the endpoints of `queue` at `service` as they are, as soon as that is known, and whenever they change: all of
  // them each time. `queue` may be empty: of each instance the only one that it has.
  virtual absl::StatusOr<std::unique_ptr<EndpointWatch>> Watch(const std::string& service, const std::string& queue, Callback callback) = 0;
};

// What discovery says: endpoint `gate.<queue>` of the instances that take work; if none does, of those that would but whose owner was lost.
// Calls back on the connection's thread for callbacks. Errors of Watch() as Locator::OnChange. `locator` outlives it.
std::shared_ptr<EndpointResolver> DiscoveryResolver(Locator& locator);

// Always the same, whatever the service. URLs are not checked here.
std::shared_ptr<EndpointResolver> StaticResolver(std::vector<std::string> urls);

// What `function` answers, asked at once and again `period` after each answer, on a thread of its own for each watch, so one call at a time
// of each. It may take its time. The destructor waits for calls that run; that of a watch does not. Errors of Watch(): kResourceExhausted:
// no thread.
using EndpointFunction = std::function<std::vector<GateEndpoint>(const std::string& service, const std::string& queue)>;
std::shared_ptr<EndpointResolver> FunctionResolver(EndpointFunction function, absl::Duration period = absl::Milliseconds(500));

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_ENDPOINT_RESOLVER_H_

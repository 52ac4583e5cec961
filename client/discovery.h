#ifndef SCOUTLIGHT_CLIENT_DISCOVERY_H_
#define SCOUTLIGHT_CLIENT_DISCOVERY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/connection.h"
#include "client/connection_options.h"
#include "client/store_state.h"
#include "discovery/endpoint.h"
#include "discovery/instance.h"
#include "discovery/names.h"
#include "discovery/strategy/strategy_kind.h"

namespace scoutlight {

// Of any list: more than so many is kInvalidArgument with Reason::kListTooLarge.
inline constexpr int kListedMaxDefault = 100'000;

struct ListClustersResult {
  std::vector<std::string> clusters;
  StoreState state;
};

struct ServiceSummary {
  std::string name;
  int instances = 0;
  int resolvable = 0;  // Of those, that take work.
  int held = 0;        // Of those, whose owner was lost. Not 0: the service is guarded.
};
struct ListServicesResult {
  std::vector<ServiceSummary> services;
  StoreState state;
};

struct ListInstancesOptions {
  std::string filter = {};  // As discovery.proto has it; empty: all.
  int instances_max = kListedMaxDefault;
  Timeout timeout = std::nullopt;  // Of each page.
};
struct ListInstancesResult {
  std::vector<discovery::Instance> instances;
  bool guarded = false;  // Some of the service's are held though their owners were lost.
  StoreState state;
};

struct GetInstanceResult {
  discovery::Instance instance;
  StoreState state;
};

// Which instance the server is to pick. What each means, and its bounds, stands at ResolveRequest in discovery.proto.
struct ResolveQuery {
  std::string cluster = "default";
  std::optional<discovery::StrategyKind> strategy = std::nullopt;  // nullopt: the schema's, else round robin.
  std::string endpoint = {};                                       // The name of an endpoint, else a scheme; empty: any, or none.
  std::string filter = {};
  std::string affinity_key = {};
  std::string zone = {};
  int count = 1;
  std::optional<absl::Duration> slow_start = std::nullopt;  // nullopt: the schema's.
  int subset = 0;                                           // 0: of all.
  std::string caller = {};
  Timeout timeout = std::nullopt;
};
struct ResolveResult {
  struct Pick {
    discovery::Instance instance;
    std::optional<discovery::Endpoint> endpoint;  // The one asked for; nullopt: it has none.
  };
  std::vector<Pick> picks;                          // At least one, best first.
  std::optional<discovery::StrategyKind> strategy;  // What was picked by; nullopt: one that this version does not know.
  bool guarded = false;                             // Some are held though their owners were lost; picked only if no other matches.
  StoreState state;
};

struct ListedOverride {
  discovery::InstanceName name;
  discovery::Override override;
};
struct ListOverridesResult {
  std::vector<ListedOverride> overrides;
  StoreState state;
};

struct Subscriber {
  std::string id;
  std::string peer;  // The address of its connection.
  int services = 0;  // How many it subscribes to.
  int64_t sent = 0;  // Messages.
  int64_t confirmed = 0;
  bool gone = false;  // Its stream has ended without a goodbye.
};
struct ListSubscribersResult {
  std::vector<Subscriber> subscribers;
  StoreState state;
};

// Who is there, asked of the server: for tools. A program that calls services wants a Locator, which asks nobody.
//
// Calls block, are repeated, and fail, as those of Registry; each shows all that this connection was told of before. Lists read all pages;
// what comes and goes between pages may be shown or missed, and `state` is the last one's. kUnavailable with Reason::kCatalogLoading: the
// server has just started. Copies are the same. Thread-safe.
class Discovery {
 public:
  explicit Discovery(Connection connection);

  // By name, those that have instances.
  absl::StatusOr<ListClustersResult> ListClusters(Timeout timeout = std::nullopt) const;
  absl::StatusOr<ListServicesResult> ListServices(absl::string_view cluster = "default", Timeout timeout = std::nullopt) const;
  // By id, those too that take no work. Of a service without any: none. kInvalidArgument: the filter, with the place of the mistake.
  absl::StatusOr<ListInstancesResult> ListInstances(const discovery::ServiceName& service, ListInstancesOptions options = {}) const;
  // kNotFound with Reason::kInstanceNotFound.
  absl::StatusOr<GetInstanceResult> GetInstance(const discovery::InstanceName& name, Timeout timeout = std::nullopt) const;
  // kNotFound with Reason::kServiceNotFound: the service has no instance. kUnavailable with Reason::kNoneResolvable: none takes work.
  // kFailedPrecondition with Reason::kNoneMatches: the filter or endpoint excludes all.
  absl::StatusOr<ResolveResult> Resolve(absl::string_view service, ResolveQuery query = {}) const;
  // By name. Both names empty: all; only `cluster` empty: "default".
  absl::StatusOr<ListOverridesResult> ListOverrides(const discovery::ServiceName& service = {}, Timeout timeout = std::nullopt) const;
  // By id, of the server that answers. `service` as ListOverrides.
  absl::StatusOr<ListSubscribersResult> ListSubscribers(const discovery::ServiceName& service = {}, Timeout timeout = std::nullopt) const;

 private:
  std::shared_ptr<client::Wire> wire_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_DISCOVERY_H_

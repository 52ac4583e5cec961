#ifndef SCOUTLIGHT_SERVER_DISCOVERY_DISCOVERY_CONVERSION_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_DISCOVERY_CONVERSION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "discovery/filter/filter.h"
#include "discovery/names.h"
#include "discovery/strategy/strategy_kind.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "server/discovery/instance_hub.h"
#include "server/discovery/resolver.h"
#include "server/discovery/subscriber_list.h"
#include "server/discovery/subscriber_message.h"
#include "server/identity.h"

namespace scoutlight::server {

// From DiscoveryService's requests. kInvalidArgument names every field that breaks a rule, with the limit and the value.

// A page of clusters, or of the services of one.
struct NamesSpec {
  std::string cluster;  // Empty: clusters.
  int names_max = 1;
  std::string after;  // The last name of the page before.
  uint64_t query_hash = 0;
  Revision min_revision = 0;
};
absl::StatusOr<NamesSpec> NamesSpecOf(const discovery::v1::ListClustersRequest& request, const StoreId& store_id);
absl::StatusOr<NamesSpec> NamesSpecOf(const discovery::v1::ListServicesRequest& request, const StoreId& store_id);

struct InstancesSpec {
  discovery::ServiceName service;
  discovery::Filter filter;
  int instances_max = 1;
  std::string after;  // The last id of the page before.
  uint64_t query_hash = 0;
  Revision min_revision = 0;
};
absl::StatusOr<InstancesSpec> InstancesSpecOf(const discovery::v1::ListInstancesRequest& request, const StoreId& store_id);

struct InstanceSpec {
  discovery::InstanceName name;
  Revision min_revision = 0;
};
absl::StatusOr<InstanceSpec> InstanceSpecOf(const discovery::v1::GetInstanceRequest& request);

struct ResolveSpec {
  PickSpec pick;
  bool default_strategy = false;    // The schema's, if it has one.
  bool default_slow_start = false;  // Likewise.
  Revision min_revision = 0;
};
// `identity`: who calls.
absl::StatusOr<ResolveSpec> ResolveSpecOf(const discovery::v1::ResolveRequest& request, const Identity& identity);
discovery::v1::Strategy WireStrategy(discovery::StrategyKind kind);

absl::StatusOr<InstanceWatchSpec> InstanceWatchSpecOf(const discovery::v1::WatchRequest& request);

// What is against the messages before it, CheckMessage() says.
absl::StatusOr<SubscriberMessage> SubscriberMessageOf(const discovery::v1::SubscribeRequest& request);

struct SubscribersSpec {
  SubscribersQuery query;
  uint64_t query_hash = 0;
};
absl::StatusOr<SubscribersSpec> SubscribersSpecOf(const discovery::v1::ListSubscribersRequest& request, const StoreId& store_id);
void FillSubscribers(const SubscribersPage& page, uint64_t query_hash, const StoreId& store_id,
                     discovery::v1::ListSubscribersResponse* response);

struct OverridesSpec {
  discovery::ServiceName service;  // Each part empty: all.
  int overrides_max = 1;
  discovery::InstanceName after;
  uint64_t query_hash = 0;
  Revision min_revision = 0;
};
absl::StatusOr<OverridesSpec> OverridesSpecOf(const discovery::v1::ListOverridesRequest& request, const StoreId& store_id);

// The token of the page behind `last`.
std::string NextPageToken(const discovery::InstanceName& last, uint64_t query_hash, const StoreId& store_id, Revision revision);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_DISCOVERY_CONVERSION_H_

#include "client/discovery.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/wire/discovery_conversion.h"
#include "client/wire/instance_conversion.h"
#include "client/wire/session_conversion.h"
#include "client/wire/time_conversion.h"
#include "client/wire/wire.h"

namespace scoutlight {
namespace {

namespace wire = ::scoutlight::discovery::v1;
using Stub = wire::DiscoveryService::Stub;

constexpr int kPageSize = 10'000;

template <typename Response>
StoreState StateOf(const Response& response) {
  StoreState state{.revision = response.revision(), .store_id = response.store_id()};
  // Who subscribes is the server's own.
  if constexpr (requires { response.behind(); }) state.behind = client::DurationOf(response.behind());
  return state;
}

absl::Status ListTooLarge(int listed_max) {
  ErrorDetails details;
  details.reason = Reason::kListTooLarge;
  return MakeError(absl::StatusCode::kInvalidArgument,
                   absl::StrCat("the list has more than ", listed_max, " entries, which is the bound asked for"), details);
}

// Reads all pages. `take` gets each, and returns how many it has taken in all.
template <typename Request, typename Response, typename Take>
absl::StatusOr<StoreState> ReadPages(client::Wire* wire, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                     Request request, Timeout timeout, int listed_max, Take take) {
  request.set_page_size(kPageSize);
  for (;;) {
    absl::StatusOr<Response> page = wire->Call(method, request, {.timeout = timeout, .repeatable = client::Repeatable::kRead});
    if (!page.ok()) return page.status();
    const StoreState state = StateOf(*page);
    request.set_page_token(page->next_page_token());
    if (take(*std::move(page)) > static_cast<size_t>(listed_max)) return ListTooLarge(listed_max);
    if (request.page_token().empty()) return state;
  }
}

std::optional<discovery::Endpoint> EndpointNamed(const discovery::Instance& instance, const std::string& name) {
  for (discovery::Endpoint& endpoint : discovery::ReadEndpoints(instance.properties).endpoints) {
    if (endpoint.name == name) return std::move(endpoint);
  }
  return std::nullopt;
}

wire::ResolveRequest RequestOf(absl::string_view service, const ResolveQuery& query) {
  wire::ResolveRequest request;
  request.set_cluster(query.cluster);
  request.set_service(std::string(service));
  request.set_strategy(client::WireStrategy(query.strategy));
  request.set_endpoint(query.endpoint);
  request.set_filter(query.filter);
  request.set_affinity_key(query.affinity_key);
  request.set_zone(query.zone);
  request.set_count(query.count);
  if (query.slow_start.has_value()) *request.mutable_slow_start() = client::WireDuration(*query.slow_start);
  request.set_subset(query.subset);
  request.set_caller(query.caller);
  return request;
}

}  // namespace

Discovery::Discovery(Connection connection) : wire_(connection.wire()) {}

absl::StatusOr<ListClustersResult> Discovery::ListClusters(Timeout timeout) const {
  ListClustersResult result;
  const auto take = [&](wire::ListClustersResponse page) {
    for (std::string& cluster : *page.mutable_clusters()) result.clusters.push_back(std::move(cluster));
    return result.clusters.size();
  };
  absl::StatusOr<StoreState> state =
      ReadPages(wire_.get(), &Stub::ListClusters, wire::ListClustersRequest(), timeout, kListedMaxDefault, take);
  if (!state.ok()) return state.status();
  result.state = *std::move(state);
  return result;
}

absl::StatusOr<ListServicesResult> Discovery::ListServices(absl::string_view cluster, Timeout timeout) const {
  wire::ListServicesRequest request;
  request.set_cluster(std::string(cluster));
  ListServicesResult result;
  const auto take = [&](wire::ListServicesResponse page) {
    for (wire::ListServicesResponse::Service& service : *page.mutable_services()) {
      result.services.push_back({std::move(*service.mutable_name()), service.instances(), service.resolvable(), service.held()});
    }
    return result.services.size();
  };
  absl::StatusOr<StoreState> state = ReadPages(wire_.get(), &Stub::ListServices, std::move(request), timeout, kListedMaxDefault, take);
  if (!state.ok()) return state.status();
  result.state = *std::move(state);
  return result;
}

absl::StatusOr<ListInstancesResult> Discovery::ListInstances(const discovery::ServiceName& service, ListInstancesOptions options) const {
  wire::ListInstancesRequest request;
  request.set_cluster(service.cluster);
  request.set_service(service.service);
  request.set_filter(options.filter);
  ListInstancesResult result;
  const auto take = [&](const wire::ListInstancesResponse& page) {
    for (const wire::Instance& instance : page.instances()) result.instances.push_back(client::ReadInstance(instance));
    result.guarded = page.guarded();
    return result.instances.size();
  };
  absl::StatusOr<StoreState> state =
      ReadPages(wire_.get(), &Stub::ListInstances, std::move(request), options.timeout, options.instances_max, take);
  if (!state.ok()) return state.status();
  result.state = *std::move(state);
  return result;
}

absl::StatusOr<GetInstanceResult> Discovery::GetInstance(const discovery::InstanceName& name, Timeout timeout) const {
  wire::GetInstanceRequest request;
  client::FillName(name, request.mutable_name());
  const absl::StatusOr<wire::GetInstanceResponse> response = wire_->Call(&Stub::GetInstance, std::move(request), {.timeout = timeout});
  if (!response.ok()) return response.status();
  return GetInstanceResult{client::ReadInstance(response->instance()), StateOf(*response)};
}

absl::StatusOr<ResolveResult> Discovery::Resolve(absl::string_view service, ResolveQuery query) const {
  const absl::StatusOr<wire::ResolveResponse> response = wire_->Call(&Stub::Resolve, RequestOf(service, query), {.timeout = query.timeout});
  if (!response.ok()) return response.status();
  ResolveResult result{
      .picks = {}, .strategy = client::StrategyOf(response->strategy()), .guarded = response->guarded(), .state = StateOf(*response)};
  for (const wire::ResolveResponse::Pick& pick : response->picks()) {
    ResolveResult::Pick read{.instance = client::ReadInstance(pick.instance()), .endpoint = std::nullopt};
    if (pick.has_endpoint()) read.endpoint = EndpointNamed(read.instance, pick.endpoint().name());
    result.picks.push_back(std::move(read));
  }
  return result;
}

absl::StatusOr<ListOverridesResult> Discovery::ListOverrides(const discovery::ServiceName& service, Timeout timeout) const {
  wire::ListOverridesRequest request;
  request.set_cluster(service.cluster);
  request.set_service(service.service);
  ListOverridesResult result;
  const auto take = [&](const wire::ListOverridesResponse& page) {
    for (const wire::ListOverridesResponse::Entry& entry : page.overrides()) {
      result.overrides.push_back({client::NameOf(entry.name()), client::OverrideOf(entry.override())});
    }
    return result.overrides.size();
  };
  absl::StatusOr<StoreState> state = ReadPages(wire_.get(), &Stub::ListOverrides, std::move(request), timeout, kListedMaxDefault, take);
  if (!state.ok()) return state.status();
  result.state = *std::move(state);
  return result;
}

absl::StatusOr<ListSubscribersResult> Discovery::ListSubscribers(const discovery::ServiceName& service, Timeout timeout) const {
  wire::ListSubscribersRequest request;
  request.set_cluster(service.cluster);
  request.set_service(service.service);
  ListSubscribersResult result;
  const auto take = [&](const wire::ListSubscribersResponse& page) {
    for (const wire::ListSubscribersResponse::Subscriber& one : page.subscribers()) {
      result.subscribers.push_back({one.subscriber_id(), one.peer(), one.services(), one.sent(), one.confirmed(), one.gone()});
    }
    return result.subscribers.size();
  };
  absl::StatusOr<StoreState> state = ReadPages(wire_.get(), &Stub::ListSubscribers, std::move(request), timeout, kListedMaxDefault, take);
  if (!state.ok()) return state.status();
  result.state = *std::move(state);
  return result;
}

}  // namespace scoutlight

#include "server/discovery/discovery_conversion.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/stable_hash.h"
#include "discovery/system_records.h"
#include "server/discovery/instance_conversion.h"
#include "server/page_token.h"
#include "server/request_fields.h"
#include "server/violations.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;

discovery::Filter ReadFilter(const std::string& text, discovery::AgeTerms age, Violations* violations, absl::Status* mistake) {
  absl::StatusOr<discovery::Filter> filter = discovery::Filter::Parse(text, age);
  if (filter.ok()) return *std::move(filter);
  violations->Add(filter.status());
  *mistake = filter.status();
  return discovery::Filter();
}

// What is wrong, with the place of the mistake in a filter if that is all.
absl::Status Wrong(const Violations& violations, const absl::Status& filter_mistake) {
  const absl::Status wrong = violations.status();
  const size_t count = wrong.ok() ? 0 : DetailsOf(wrong)->violations.size();
  return count == 1 && !filter_mistake.ok() ? filter_mistake : wrong;
}

// The instance that the page before ended with; nullopt: there is no token, or a wrong one.
std::optional<discovery::InstanceName> ReadPageToken(const std::string& text, uint64_t query_hash, const StoreId& store_id,
                                                     Violations* violations) {
  if (text.empty()) return std::nullopt;
  const absl::StatusOr<PageToken> token = DecodePageToken(text, query_hash, store_id);
  if (!token.ok()) {
    violations->Add(token.status());
    return std::nullopt;
  }
  const std::optional<discovery::SystemKey> key = discovery::ReadSystemKey(token->position.key);
  if (key.has_value()) return discovery::InstanceName{std::string(key->cluster), std::string(key->service), std::string(key->name)};
  violations->Add(Reason::kInvalidPageToken, "page_token", "belongs to another list");
  return std::nullopt;
}

// nullopt: none is named.
std::optional<discovery::StrategyKind> ReadStrategy(wire::Strategy strategy, Violations* violations) {
  if (strategy == wire::STRATEGY_UNSPECIFIED) return std::nullopt;
  for (const discovery::StrategyKind kind : discovery::kAllStrategies) {
    if (WireStrategy(kind) == strategy) return kind;
  }
  violations->Add(Reason::kInvalidField, "strategy", absl::StrCat("is ", static_cast<int>(strategy), ", which is no Strategy"));
  return std::nullopt;
}

// What both lists of names have. `spec->cluster` is set.
template <typename Request>
void ReadNames(const Request& request, absl::string_view method, const StoreId& store_id, NamesSpec* spec, Violations* violations) {
  spec->names_max = ReadEntriesMax(request.page_size(), "page_size", violations);
  spec->query_hash = StableHash().Add(method).Add(spec->cluster).value();
  if (auto after = ReadPageToken(request.page_token(), spec->query_hash, store_id, violations); after.has_value()) {
    spec->after = spec->cluster.empty() ? after->cluster : after->service;
  }
  spec->min_revision = ReadCount(request.min_revision(), "min_revision", violations);
}

void CheckBytes(absl::string_view text, size_t bytes_max, absl::string_view field, Violations* violations) {
  if (text.size() <= bytes_max) return;
  violations->Add(Reason::kInvalidField, field, absl::StrCat("is ", text.size(), " bytes long, at most ", bytes_max, " are allowed"));
}

std::vector<discovery::ServiceName> ReadServices(const google::protobuf::RepeatedPtrField<wire::SubscribeRequest::Service>& services,
                                                 absl::string_view field, Violations* violations) {
  std::vector<discovery::ServiceName> read;
  if (services.size() > limits::kServicesNamedMax) {
    violations->Add(Reason::kInvalidField, field,
                    absl::StrCat("are ", services.size(), ", at most ", limits::kServicesNamedMax, " are allowed"));
    return read;
  }
  for (int i = 0; i < services.size(); ++i) {
    violations->SetPrefix(absl::StrCat(field, "[", i, "]."));
    read.push_back({ReadCluster(services[i].cluster(), violations), ReadService(services[i].service(), violations)});
  }
  violations->SetPrefix("");
  return read;
}

}  // namespace

wire::Strategy WireStrategy(discovery::StrategyKind kind) {
  switch (kind) {
    case discovery::StrategyKind::kRoundRobin:
      return wire::STRATEGY_ROUND_ROBIN;
    case discovery::StrategyKind::kRandom:
      return wire::STRATEGY_RANDOM;
    case discovery::StrategyKind::kLeastUsed:
      return wire::STRATEGY_LEAST_USED;
    case discovery::StrategyKind::kWeightedRoundRobin:
      return wire::STRATEGY_WEIGHTED_ROUND_ROBIN;
    case discovery::StrategyKind::kLeastLoaded:
      return wire::STRATEGY_LEAST_LOADED;
    case discovery::StrategyKind::kPowerOfTwo:
      return wire::STRATEGY_POWER_OF_TWO;
    case discovery::StrategyKind::kBestQuality:
      return wire::STRATEGY_BEST_QUALITY;
    case discovery::StrategyKind::kConsistentHash:
      return wire::STRATEGY_CONSISTENT_HASH;
  }
  return wire::STRATEGY_UNSPECIFIED;
}

absl::StatusOr<NamesSpec> NamesSpecOf(const wire::ListClustersRequest& request, const StoreId& store_id) {
  Violations violations;
  NamesSpec spec;
  ReadNames(request, "ListClusters", store_id, &spec, &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return spec;
}

absl::StatusOr<NamesSpec> NamesSpecOf(const wire::ListServicesRequest& request, const StoreId& store_id) {
  Violations violations;
  NamesSpec spec;
  spec.cluster = ReadCluster(request.cluster(), &violations);
  ReadNames(request, "ListServices", store_id, &spec, &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return spec;
}

absl::StatusOr<InstancesSpec> InstancesSpecOf(const wire::ListInstancesRequest& request, const StoreId& store_id) {
  Violations violations;
  absl::Status mistake;
  InstancesSpec spec;
  spec.service = {ReadCluster(request.cluster(), &violations), ReadService(request.service(), &violations)};
  spec.filter = ReadFilter(request.filter(), discovery::AgeTerms::kAllowed, &violations, &mistake);
  spec.instances_max = ReadEntriesMax(request.page_size(), "page_size", &violations);
  spec.query_hash = StableHash().Add("ListInstances").Add(spec.service.cluster).Add(spec.service.service).Add(spec.filter.text()).value();
  if (auto after = ReadPageToken(request.page_token(), spec.query_hash, store_id, &violations); after.has_value()) spec.after = after->id;
  spec.min_revision = ReadCount(request.min_revision(), "min_revision", &violations);
  if (absl::Status wrong = Wrong(violations, mistake); !wrong.ok()) return wrong;
  return spec;
}

absl::StatusOr<InstanceSpec> InstanceSpecOf(const wire::GetInstanceRequest& request) {
  Violations violations;
  InstanceSpec spec;
  violations.SetPrefix("name.");
  spec.name = ReadInstanceName(request.name(), &violations);
  violations.SetPrefix("");
  spec.min_revision = ReadCount(request.min_revision(), "min_revision", &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return spec;
}

absl::StatusOr<ResolveSpec> ResolveSpecOf(const wire::ResolveRequest& request, const Identity& identity) {
  Violations violations;
  absl::Status mistake;
  ResolveSpec spec;
  PickSpec& pick = spec.pick;
  pick.service = {ReadCluster(request.cluster(), &violations), ReadService(request.service(), &violations)};
  const std::optional<discovery::StrategyKind> strategy = ReadStrategy(request.strategy(), &violations);
  spec.default_strategy = !strategy.has_value();
  pick.strategy = strategy.value_or(discovery::StrategyKind::kRoundRobin);
  pick.endpoint = request.endpoint();
  CheckBytes(pick.endpoint, limits::kPropertyNameBytesMax, "endpoint", &violations);
  pick.filter = ReadFilter(request.filter(), discovery::AgeTerms::kAllowed, &violations, &mistake);
  pick.affinity_key = request.affinity_key();
  CheckBytes(pick.affinity_key, limits::kAffinityKeyBytesMax, "affinity_key", &violations);
  pick.zone = request.zone();
  CheckBytes(pick.zone, limits::kNameBytesMax, "zone", &violations);
  spec.default_slow_start = !request.has_slow_start();
  if (request.has_slow_start()) {
    pick.slow_start = ReadDuration(request.slow_start(), absl::ZeroDuration(), limits::kSlowStartMax, "slow_start", &violations);
  }
  pick.subset = static_cast<int>(ReadCount(request.subset(), "subset", &violations));
  if (pick.subset > limits::kSubsetMax) {
    violations.Add(Reason::kInvalidField, "subset", absl::StrCat("is ", pick.subset, ", at most ", limits::kSubsetMax, " is allowed"));
  }
  if (pick.subset == 0 && !request.caller().empty()) violations.Add(Reason::kInvalidField, "caller", "is given without `subset`");
  if (pick.subset != 0) pick.subset_caller = request.caller().empty() ? identity.Caller() : request.caller();
  CheckBytes(request.caller(), limits::kNameBytesMax, "caller", &violations);
  pick.count = std::max(1, static_cast<int>(ReadCount(request.count(), "count", &violations)));
  if (pick.count > limits::kPicksMax) {
    violations.Add(Reason::kInvalidField, "count", absl::StrCat("is ", pick.count, ", at most ", limits::kPicksMax, " is allowed"));
  }
  spec.min_revision = ReadCount(request.min_revision(), "min_revision", &violations);
  if (absl::Status wrong = Wrong(violations, mistake); !wrong.ok()) return wrong;
  return spec;
}

absl::StatusOr<InstanceWatchSpec> InstanceWatchSpecOf(const wire::WatchRequest& request) {
  Violations violations;
  absl::Status mistake;
  InstanceWatchSpec spec;
  spec.service = {ReadCluster(request.cluster(), &violations), ReadService(request.service(), &violations)};
  spec.filter = ReadFilter(request.filter(), discovery::AgeTerms::kRefused, &violations, &mistake);
  spec.heartbeat = ReadHeartbeat(request.heartbeat(), &violations);
  if (absl::Status wrong = Wrong(violations, mistake); !wrong.ok()) return wrong;
  return spec;
}

absl::StatusOr<SubscriberMessage> SubscriberMessageOf(const wire::SubscribeRequest& request) {
  Violations violations;
  SubscriberMessage message;
  message.subscriber_id = request.subscriber_id();
  CheckBytes(message.subscriber_id, limits::kSubscriberIdBytesMax, "subscriber_id", &violations);
  if (request.has_heartbeat()) message.heartbeat = ReadHeartbeat(request.heartbeat(), &violations);
  message.add = ReadServices(request.add(), "add", &violations);
  message.remove = ReadServices(request.remove(), "remove", &violations);
  message.confirmed = ReadCount(request.confirmed(), "confirmed", &violations);
  message.goodbye = request.goodbye();
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return message;
}

absl::StatusOr<SubscribersSpec> SubscribersSpecOf(const wire::ListSubscribersRequest& request, const StoreId& store_id) {
  Violations violations;
  SubscribersSpec spec;
  discovery::ServiceName& service = spec.query.service;
  if (!request.cluster().empty() || !request.service().empty()) service.cluster = ReadCluster(request.cluster(), &violations);
  if (!request.service().empty()) service.service = ReadService(request.service(), &violations);
  spec.query.subscribers_max = ReadEntriesMax(request.page_size(), "page_size", &violations);
  spec.query_hash = StableHash().Add("ListSubscribers").Add(service.cluster).Add(service.service).value();
  const auto after = ReadPageToken(request.page_token(), spec.query_hash, store_id, &violations);
  if (after.has_value()) spec.query.after = absl::HexStringToBytes(after->id);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return spec;
}

void FillSubscribers(const SubscribersPage& page, uint64_t query_hash, const StoreId& store_id, wire::ListSubscribersResponse* response) {
  for (const SubscribersPage::Entry& entry : page.subscribers) {
    wire::ListSubscribersResponse::Subscriber* const subscriber = response->add_subscribers();
    subscriber->set_subscriber_id(entry.subscriber_id);
    subscriber->set_peer(entry.peer);
    subscriber->set_services(entry.services);
    subscriber->set_sent(entry.sent);
    subscriber->set_confirmed(entry.confirmed);
    subscriber->set_gone(entry.gone);
  }
  response->set_revision(page.revision);
  response->set_store_id(store_id);
  // An id is any text, and stands in the token as a name does: in hexadecimal.
  if (!page.last.empty()) {
    response->set_next_page_token(NextPageToken({"-", "-", absl::BytesToHexString(page.last)}, query_hash, store_id, page.revision));
  }
}

absl::StatusOr<OverridesSpec> OverridesSpecOf(const wire::ListOverridesRequest& request, const StoreId& store_id) {
  Violations violations;
  OverridesSpec spec;
  if (!request.cluster().empty() || !request.service().empty()) spec.service.cluster = ReadCluster(request.cluster(), &violations);
  if (!request.service().empty()) spec.service.service = ReadService(request.service(), &violations);
  spec.overrides_max = ReadEntriesMax(request.page_size(), "page_size", &violations);
  spec.query_hash = StableHash().Add("ListOverrides").Add(spec.service.cluster).Add(spec.service.service).value();
  spec.after = ReadPageToken(request.page_token(), spec.query_hash, store_id, &violations).value_or(discovery::InstanceName());
  spec.min_revision = ReadCount(request.min_revision(), "min_revision", &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return spec;
}

std::string NextPageToken(const discovery::InstanceName& last, uint64_t query_hash, const StoreId& store_id, Revision revision) {
  return EncodePageToken({store_id, std::max<Revision>(revision, 1), query_hash, {discovery::InstanceRecordKey(last), 0}});
}

}  // namespace scoutlight::server

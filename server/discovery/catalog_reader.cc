#include "server/discovery/catalog_reader.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "server/discovery/instance_conversion.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;
using discovery::Catalog;

// Of an answer for everything but its instances.
constexpr size_t kAnswerSlackBytes = 64 * limits::kKiB;
// Of an override beside its texts: names, times.
constexpr size_t kOverrideFixedBytes = 3 * limits::kNameBytesMax + 128;

bool IsOver(Effort effort, size_t entries) { return effort == Effort::kShort && entries > static_cast<size_t>(limits::kInlineEntriesMax); }

// Of services, and of instances that have changed, so many may be looked at.
size_t LooksMax(Effort effort) {
  return effort == Effort::kShort ? static_cast<size_t>(limits::kInlineEntriesMax) : std::numeric_limits<size_t>::max();
}

// Of so many entries an instance that has changed may be read.
size_t StoredMax(Effort effort) {
  return effort == Effort::kShort ? static_cast<size_t>(limits::kInlineStoredMax) : std::numeric_limits<size_t>::max();
}

// Of a list of at most `most`, so many are asked for: with little effort no more than show that there are too many.
int Most(Effort effort, int most) { return effort == Effort::kShort ? std::min(most, limits::kInlineEntriesMax + 1) : most; }

}  // namespace

std::string CatalogReader::TokenBehind(const discovery::InstanceName& last, uint64_t query_hash, const Catalog& catalog) const {
  return NextPageToken(last, query_hash, parts_.store->store_id(), catalog.revision());
}

CatalogReader::Result CatalogReader::Read(const NamesSpec& spec, Effort effort, Catalog* catalog,
                                          wire::ListClustersResponse* response) const {
  std::optional<std::vector<std::string>> names = catalog->ClustersIfFew(spec.after, spec.names_max, LooksMax(effort));
  if (!names.has_value()) return std::nullopt;
  for (std::string& name : *names) response->add_clusters(std::move(name));
  if (response->clusters_size() == spec.names_max) {
    response->set_next_page_token(TokenBehind({*response->clusters().rbegin(), "-", "-"}, spec.query_hash, *catalog));
  }
  return absl::OkStatus();
}

CatalogReader::Result CatalogReader::Read(const NamesSpec& spec, Effort effort, Catalog* catalog,
                                          wire::ListServicesResponse* response) const {
  std::optional<std::vector<Catalog::ServiceCount>> counts =
      catalog->ServicesIfFew(spec.cluster, spec.after, spec.names_max, LooksMax(effort));
  if (!counts.has_value()) return std::nullopt;
  for (Catalog::ServiceCount& count : *counts) {
    wire::ListServicesResponse::Service* const service = response->add_services();
    service->set_name(std::move(count.service));
    service->set_instances(static_cast<int32_t>(count.instances));
    service->set_resolvable(static_cast<int32_t>(count.resolvable));
    service->set_held(static_cast<int32_t>(count.held));
  }
  if (response->services_size() == spec.names_max) {
    response->set_next_page_token(TokenBehind({spec.cluster, response->services().rbegin()->name(), "-"}, spec.query_hash, *catalog));
  }
  return absl::OkStatus();
}

CatalogReader::Result CatalogReader::Read(const InstancesSpec& spec, Effort effort, Catalog* catalog,
                                          wire::ListInstancesResponse* response) const {
  const discovery::ServiceName& service = spec.service;
  const std::optional<discovery::SnapshotPtr> found = catalog->FindIfRead(service.cluster, service.service, LooksMax(effort));
  if (!found.has_value()) return std::nullopt;
  const discovery::SnapshotPtr& snapshot = *found;
  if (snapshot == nullptr) return absl::OkStatus();
  response->set_guarded(snapshot->held() > 0);
  const absl::Time now = parts_.clock->Now();
  size_t bytes_shown = kAnswerSlackBytes;
  size_t looked_at = 0;
  discovery::InstancePtr last;
  snapshot->ForEachAfter(spec.after, [&](const discovery::InstancePtr& instance) {
    if (IsOver(effort, ++looked_at)) return false;
    if (!spec.filter.Matches(*instance, now)) return true;
    bytes_shown += InstanceBytes(*instance);
    const bool full = response->instances_size() == spec.instances_max || bytes_shown > limits::kAnswerBytesMax;
    if (full && last != nullptr) {
      response->set_next_page_token(TokenBehind(last->name, spec.query_hash, *catalog));
      return false;
    }
    FillInstance(*instance, response->add_instances());
    last = instance;
    return true;
  });
  if (IsOver(effort, looked_at)) return std::nullopt;
  return absl::OkStatus();
}

CatalogReader::Result CatalogReader::Read(const InstanceSpec& spec, Effort effort, Catalog* catalog,
                                          wire::GetInstanceResponse* response) const {
  const std::optional<discovery::InstancePtr> found = catalog->FindInstanceIfRead(spec.name, StoredMax(effort));
  if (!found.has_value()) return std::nullopt;
  const discovery::InstancePtr& instance = *found;
  if (instance == nullptr) return InstanceNotFound(spec.name);
  FillInstance(*instance, response->mutable_instance());
  return absl::OkStatus();
}

CatalogReader::Result CatalogReader::Read(const ResolveSpec& spec, Effort effort, Catalog* catalog, ResolveAnswer* answer) const {
  const discovery::ServiceName& service = spec.pick.service;
  const std::optional<discovery::SnapshotPtr> found = catalog->FindIfRead(service.cluster, service.service, LooksMax(effort));
  if (!found.has_value()) return std::nullopt;
  const discovery::SnapshotPtr& snapshot = *found;
  if (snapshot == nullptr) return ServiceNotFound(service);
  PickSpec pick = spec.pick;
  if (spec.default_strategy || spec.default_slow_start) {
    const discovery::Schema* const schema = catalog->claims()->SchemaOf(service.cluster, service.service);
    if (schema != nullptr && spec.default_strategy) {
      pick.strategy = discovery::ParseStrategyKind(schema->strategy).value_or(pick.strategy);
    }
    if (schema != nullptr && spec.default_slow_start) pick.slow_start = schema->slow_start;
  }
  const absl::Time now = parts_.clock->Now();
  std::optional<absl::StatusOr<std::vector<discovery::InstancePtr>>> picks =
      effort == Effort::kShort ? parts_.resolver->TryResolve(pick, snapshot, now) : parts_.resolver->Resolve(pick, snapshot, now);
  if (!picks.has_value()) return std::nullopt;
  if (!picks->ok()) return picks->status();
  for (discovery::InstancePtr& picked : **picks) {
    if (!answer->AddPick(std::move(picked), pick.endpoint, limits::kAnswerBytesMax - kAnswerSlackBytes)) break;
  }
  answer->set_strategy(WireStrategy(pick.strategy));
  answer->set_guarded(snapshot->held() > 0);
  return absl::OkStatus();
}

CatalogReader::Result CatalogReader::Read(const OverridesSpec& spec, Effort effort, Catalog* catalog,
                                          wire::ListOverridesResponse* response) const {
  const discovery::ServiceName& service = spec.service;
  // A service of all clusters is looked for among all overrides.
  if (effort == Effort::kShort && service.cluster.empty() && !service.service.empty()) return std::nullopt;
  const auto overrides = catalog->Overrides(service.cluster, service.service, spec.after, Most(effort, spec.overrides_max));
  if (IsOver(effort, overrides.size())) return std::nullopt;
  size_t bytes_shown = kAnswerSlackBytes;
  bool more = static_cast<int>(overrides.size()) == spec.overrides_max;
  const discovery::InstanceName* last = nullptr;
  for (const Catalog::NamedOverride& one : overrides) {
    bytes_shown += one.override.reason.size() + one.override.author.size() + kOverrideFixedBytes;
    if (last != nullptr && bytes_shown > limits::kAnswerBytesMax) {
      more = true;
      break;
    }
    wire::ListOverridesResponse::Entry* const entry = response->add_overrides();
    entry->mutable_name()->set_cluster(one.name.cluster);
    entry->mutable_name()->set_service(one.name.service);
    entry->mutable_name()->set_id(one.name.id);
    FillOverride(one.override, entry->mutable_override());
    last = &one.name;
  }
  if (more) response->set_next_page_token(TokenBehind(*last, spec.query_hash, *catalog));
  return absl::OkStatus();
}

}  // namespace scoutlight::server

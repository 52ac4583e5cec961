#include "discovery/catalog.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/limits.h"
#include "discovery/system_records.h"

namespace scoutlight::discovery {
namespace {

constexpr size_t kAll = std::numeric_limits<size_t>::max();

StoredValue StoredOf(const Entry& entry) {
  return {.value = entry.value, .create_revision = entry.create_revision, .mod_revision = entry.mod_revision, .lease_id = entry.lease_id};
}

}  // namespace

std::optional<Catalog::Place> Catalog::PlaceOf(const Key& key) const {
  if (key.IsSystem()) {
    const std::optional<SystemKey> system = ReadSystemKey(key);
    if (!system.has_value()) return std::nullopt;
    if (system->kind != SystemKey::Kind::kInstance && system->kind != SystemKey::Kind::kOverride) return std::nullopt;
    return Place{.name = {std::string(system->cluster), std::string(system->service), std::string(system->name)},
                 .part = system->kind == SystemKey::Kind::kInstance ? Place::Part::kRecord : Place::Part::kOverride,
                 .property = {}};
  }
  const std::optional<Claim> claim = claims_->Read(key);
  if (!claim.has_value()) return std::nullopt;
  const KeyReading& reading = claim->reading;
  return Place{.name = {std::string(reading.cluster), std::string(reading.service), std::string(reading.instance)},
               .part = Place::Part::kEntry,
               .property = std::string(reading.property.value_or(""))};
}

void Catalog::Count(bool existed, bool exists, Service* service, size_t* all) {
  if (existed == exists) return;
  if (exists) {
    ++service->instances;
    ++*all;
  } else {
    --service->instances;
    --*all;
  }
}

void Catalog::Set(const Place& place, StoredValue value) {
  Service& service = clusters_[place.name.cluster][place.name.service];
  if (service.snapshot == nullptr) service.snapshot = nothing_;
  StoredInstance& stored = service.stored[place.name.id];
  const bool existed = stored.exists();
  switch (place.part) {
    case Place::Part::kEntry:
      stored.entries[place.property] = std::move(value);
      break;
    case Place::Part::kRecord:
      stored.record = std::move(value);
      break;
    case Place::Part::kOverride:
      stored.override = std::move(value);
      overridden_.insert(place.name);
      break;
  }
  Count(existed, stored.exists(), &service, &instances_);
  service.changed.insert(place.name.id);
}

void Catalog::Erase(const Place& place) {
  const auto cluster = clusters_.find(place.name.cluster);
  if (cluster == clusters_.end()) return;
  const auto service = cluster->second.find(place.name.service);
  if (service == cluster->second.end()) return;
  const auto stored = service->second.stored.find(place.name.id);
  if (stored == service->second.stored.end()) return;
  const bool existed = stored->second.exists();
  switch (place.part) {
    case Place::Part::kEntry:
      stored->second.entries.erase(place.property);
      break;
    case Place::Part::kRecord:
      stored->second.record.reset();
      break;
    case Place::Part::kOverride:
      stored->second.override.reset();
      overridden_.erase(place.name);
      break;
  }
  Count(existed, stored->second.exists(), &service->second, &instances_);
  service->second.changed.insert(place.name.id);
}

void Catalog::Settle(const InstanceName& name) {
  const auto cluster = clusters_.find(name.cluster);
  if (cluster == clusters_.end()) return;
  const auto service = cluster->second.find(name.service);
  if (service == cluster->second.end()) return;
  const auto stored = service->second.stored.find(name.id);
  if (stored == service->second.stored.end()) return;
  // Soft values are an owner's word, and go with the instance.
  if (!stored->second.exists()) stored->second.soft = SoftValues();
  if (stored->second.empty()) {
    service->second.stored.erase(stored);
    // What nobody was shown need not be taken back: instances that come and go unseen leave nothing.
    if (service->second.snapshot->Find(name.id) == nullptr) service->second.changed.erase(name.id);
  }
  if (!service->second.stored.empty()) return;
  cluster->second.erase(service);
  if (cluster->second.empty()) clusters_.erase(cluster);
}

void Catalog::Fill(const Entry& entry) {
  const std::optional<Place> place = PlaceOf(entry.key);
  if (!place.has_value()) return;
  MutexLock lock(&mu_);
  Set(*place, StoredOf(entry));
}

void Catalog::FillUpTo(Revision revision) { Advance(revision); }

void Catalog::MakeSnapshots() {
  MutexLock lock(&mu_);
  for (auto& [cluster, services] : clusters_) {
    for (auto& [name, service] : services) Refresh(cluster, name, &service);
  }
}

Catalog::Applied Catalog::Apply(const Batch& batch) {
  Applied applied;
  absl::btree_set<ServiceName> services;
  std::vector<std::pair<Place, const Event*>> changes;
  for (const Event& event : batch.events) {
    std::optional<Place> place = PlaceOf(event.key);
    if (place.has_value()) {
      services.insert({place->name.cluster, place->name.service});
      changes.emplace_back(*std::move(place), &event);
    } else if (event.key.IsSystem() && ReadSystemKey(event.key).has_value()) {
      applied.claims_changed = true;
    }
  }
  applied.services.assign(services.begin(), services.end());
  MutexLock lock(&mu_);
  for (const auto& [place, event] : changes) {
    if (event->kind == EventKind::kPut) {
      Set(place, StoredOf(event->entry));
    } else {
      Erase(place);
    }
  }
  // Only the whole batch says what is gone: an instance may have lost one key and got another.
  for (const auto& [place, event] : changes) {
    if (event->kind == EventKind::kDelete) Settle(place.name);
  }
  revision_ = std::max(revision_, batch.revision);
  return applied;
}

void Catalog::Advance(Revision revision) {
  MutexLock lock(&mu_);
  revision_ = std::max(revision_, revision);
}

Revision Catalog::revision() const {
  MutexLock lock(&mu_);
  return revision_;
}

const Catalog::Service* Catalog::FindService(absl::string_view cluster, absl::string_view service) const {
  const auto found_cluster = clusters_.find(cluster);
  if (found_cluster == clusters_.end()) return nullptr;
  const auto found = found_cluster->second.find(service);
  return found == found_cluster->second.end() ? nullptr : &found->second;
}

Catalog::Service* Catalog::FindService(absl::string_view cluster, absl::string_view service) {
  return const_cast<Service*>(static_cast<const Catalog*>(this)->FindService(cluster, service));
}

InstancePtr Catalog::Read(absl::string_view cluster, absl::string_view name, const Service& service, const std::string& id) const {
  const Schema* const schema = claims_->SchemaOf(cluster, name);
  const auto stored = service.stored.find(id);
  if (schema == nullptr || stored == service.stored.end() || !stored->second.exists()) return nullptr;
  return std::make_shared<const Instance>(ReadInstance({std::string(cluster), std::string(name), id}, stored->second, *schema));
}

const SnapshotPtr& Catalog::Refresh(absl::string_view cluster, absl::string_view name, Service* service) {
  if (service->changed.empty()) return service->snapshot;
  ServiceSnapshot::Changes changes;
  for (const std::string& id : service->changed) changes.emplace_back(id, Read(cluster, name, *service, id));
  service->changed.clear();
  service->snapshot = service->snapshot->With(changes, revision_);
  return service->snapshot;
}

SnapshotPtr Catalog::Find(absl::string_view cluster, absl::string_view service) { return *FindIfRead(cluster, service, kAll); }

std::optional<SnapshotPtr> Catalog::FindIfRead(absl::string_view cluster, absl::string_view service, size_t unread_max) {
  MutexLock lock(&mu_);
  Service* const found = FindService(cluster, service);
  if (found == nullptr) return nullptr;
  if (found->changed.size() > unread_max) return std::nullopt;
  const SnapshotPtr& snapshot = Refresh(cluster, service, found);
  return snapshot->size() == 0 ? nullptr : snapshot;
}

InstancePtr Catalog::FindInstance(const InstanceName& name) const {
  MutexLock lock(&mu_);
  const Service* const service = FindService(name.cluster, name.service);
  if (service == nullptr) return nullptr;
  if (!service->changed.contains(name.id)) return service->snapshot->Find(name.id);
  return Read(name.cluster, name.service, *service, name.id);
}

std::optional<StoredInstance> Catalog::FindStored(const InstanceName& name) const {
  MutexLock lock(&mu_);
  const Service* const service = FindService(name.cluster, name.service);
  if (service == nullptr) return std::nullopt;
  const auto stored = service->stored.find(name.id);
  if (stored == service->stored.end()) return std::nullopt;
  return stored->second;
}

std::vector<std::string> Catalog::Clusters(absl::string_view after, int max) const { return *ClustersIfFew(after, max, kAll); }

std::optional<std::vector<std::string>> Catalog::ClustersIfFew(absl::string_view after, int max, size_t looks_max) const {
  std::vector<std::string> clusters;
  std::string at(after);
  size_t looks = 0;
  while (static_cast<int>(clusters.size()) < max) {
    MutexLock lock(&mu_);
    const auto it = clusters_.upper_bound(at);
    if (it == clusters_.end()) break;
    at = it->first;
    for (const auto& [name, service] : it->second) {
      if (++looks > looks_max) return std::nullopt;
      if (service.instances == 0 || claims_->SchemaOf(it->first, name) == nullptr) continue;
      clusters.push_back(it->first);
      break;
    }
  }
  return clusters;
}

std::vector<Catalog::ServiceCount> Catalog::Services(absl::string_view cluster, absl::string_view after, int max) {
  return *ServicesIfFew(cluster, after, max, kAll);
}

std::optional<std::vector<Catalog::ServiceCount>> Catalog::ServicesIfFew(absl::string_view cluster, absl::string_view after, int max,
                                                                         size_t looks_max) {
  std::vector<ServiceCount> counts;
  std::string at(after);
  size_t looks = 0;
  size_t unread = 0;
  while (static_cast<int>(counts.size()) < max) {
    MutexLock lock(&mu_);
    const auto found = clusters_.find(cluster);
    if (found == clusters_.end()) break;
    const auto it = found->second.upper_bound(at);
    if (it == found->second.end()) break;
    unread += it->second.changed.size();
    if (++looks > looks_max || unread > looks_max) return std::nullopt;
    at = it->first;
    const SnapshotPtr& snapshot = Refresh(cluster, it->first, &it->second);
    if (snapshot->size() > 0) counts.push_back({.service = it->first, .instances = snapshot->size(), .resolvable = snapshot->resolvable()});
  }
  return counts;
}

std::vector<Catalog::NamedOverride> Catalog::Overrides(absl::string_view cluster, absl::string_view service, const InstanceName& after,
                                                       int overrides_max) const {
  std::vector<NamedOverride> overrides;
  MutexLock lock(&mu_);
  const InstanceName first{std::string(cluster), std::string(service), ""};
  for (auto it = overridden_.upper_bound(std::max(after, first)); it != overridden_.end(); ++it) {
    if (!cluster.empty() && it->cluster != cluster) break;
    if (!service.empty() && it->service != service) {
      if (cluster.empty()) continue;
      break;
    }
    const Service* const in_service = FindService(it->cluster, it->service);
    const StoredInstance& stored = in_service->stored.find(it->id)->second;
    overrides.push_back({*it, ParseOverride(stored.override->value.bytes).value_or(Override())});
    if (static_cast<int>(overrides.size()) == overrides_max) break;
  }
  return overrides;
}

bool Catalog::SetSoftValues(const InstanceName& name, SoftValues soft) {
  MutexLock lock(&mu_);
  Service* const service = FindService(name.cluster, name.service);
  if (service == nullptr) return false;
  const auto stored = service->stored.find(name.id);
  if (stored == service->stored.end() || !stored->second.exists()) return false;
  stored->second.soft = std::move(soft);
  service->changed.insert(name.id);
  return true;
}

size_t Catalog::instances() const {
  MutexLock lock(&mu_);
  return instances_;
}

}  // namespace scoutlight::discovery

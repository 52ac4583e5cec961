#include "discovery/catalog.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/time/time.h"
#include "base/limits.h"
#include "discovery/system_records.h"

namespace scoutlight::discovery {
namespace {

constexpr size_t kAll = std::numeric_limits<size_t>::max();
// Of services, what is done under the mutex at a time, so that a commit does not wait for who reads many: about a millisecond.
constexpr size_t kServicesAtATime = 1'024;
// How long who works in pieces waits for another's turn to be over.
constexpr absl::Duration kTurnMax = absl::Milliseconds(1);

// Of a value over `value_bytes_max` only as much as shows that it is.
StoredValue StoredOf(const Entry& entry, size_t value_bytes_max) {
  return {.value = {entry.value.form, entry.value.bytes.substr(0, value_bytes_max + 1)},
          .create_revision = entry.create_revision,
          .mod_revision = entry.mod_revision,
          .lease_id = entry.lease_id};
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
               .property = std::string(reading.property.value_or("")),
               .value_bytes_max = claim->schema->layout.value_bytes_max()};
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

Catalog::Service& Catalog::ServiceOf(const InstanceName& name) {
  std::unique_ptr<Service>& service = clusters_[name.cluster][name.service];
  if (service == nullptr) {
    service = std::make_unique<Service>();
    service->snapshot = nothing_;
  }
  return *service;
}

void Catalog::Set(const Place& place, StoredValue value) {
  Service& service = ServiceOf(place.name);
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
  if (!existed && stored.exists() && losses_.size() > 0) losses_.Forget(place.name);
  Count(existed, stored.exists(), &service, &instances_);
  service.changed.insert(place.name.id);
}

void Catalog::Erase(const Place& place) {
  const auto cluster = clusters_.find(place.name.cluster);
  if (cluster == clusters_.end()) return;
  const auto service = cluster->second.find(place.name.service);
  if (service == cluster->second.end()) return;
  const auto stored = service->second->stored.find(place.name.id);
  if (stored == service->second->stored.end()) return;
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
  Count(existed, stored->second.exists(), service->second.get(), &instances_);
  service->second->changed.insert(place.name.id);
}

void Catalog::Settle(const InstanceName& name) {
  const auto cluster = clusters_.find(name.cluster);
  if (cluster == clusters_.end()) return;
  const auto service = cluster->second.find(name.service);
  if (service == cluster->second.end()) return;
  const auto stored = service->second->stored.find(name.id);
  if (stored != service->second->stored.end()) {
    // Soft values are an owner's word, and go with the instance.
    if (!stored->second.exists()) stored->second.soft = SoftValues();
    if (!stored->second.empty()) return;
    service->second->stored.erase(stored);
  }
  const bool held = losses_.FindHeld(name) != nullptr;
  // What nobody was shown need not be taken back: instances that come and go unseen leave nothing.
  if (!held && service->second->newest()->Find(name.id) == nullptr) service->second->changed.erase(name.id);
  if (!service->second->stored.empty() || losses_.held({name.cluster, name.service}) > 0) return;
  cluster->second.erase(service);
  if (cluster->second.empty()) clusters_.erase(cluster);
}

void Catalog::Fill(const Entry& entry) {
  const std::optional<Place> place = PlaceOf(entry.key);
  if (!place.has_value()) return;
  const Turn turn(this);
  Set(*place, StoredOf(entry, place->value_bytes_max));
}

void Catalog::FillUpTo(Revision revision) { Advance(revision); }

void Catalog::MakeSnapshots() {
  const Turn turn(this);
  for (auto& [cluster, services] : clusters_) {
    for (auto& [name, service] : services) Refresh(cluster, name, {.instances = kAll, .entries = kAll}, service.get());
  }
}

Catalog::Applied Catalog::Apply(const Batch& batch, Instant now) {
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
  const Turn turn(this);
  Lost lost;
  for (const auto& [place, event] : changes) {
    if (event->kind == EventKind::kPut) {
      Set(place, StoredOf(event->entry, place.value_bytes_max));
      continue;
    }
    if (event->cause == EventCause::kLeaseExpired) NoteLost(place, &lost);
    Erase(place);
  }
  // Only the whole batch says what is gone: an instance may have lost one key and got another.
  for (const auto& [place, event] : changes) {
    if (event->kind == EventKind::kDelete) Settle(place.name);
  }
  applied.lost = JudgeLosses(std::move(lost), now);
  revision_ = std::max(revision_, batch.revision);
  return applied;
}

void Catalog::Advance(Revision revision) {
  const Turn turn(this);
  revision_ = std::max(revision_, revision);
}

Revision Catalog::revision() const {
  const Turn turn(this);
  return revision_;
}

const Catalog::Service* Catalog::FindService(absl::string_view cluster, absl::string_view service) const {
  const auto found_cluster = clusters_.find(cluster);
  if (found_cluster == clusters_.end()) return nullptr;
  const auto found = found_cluster->second.find(service);
  return found == found_cluster->second.end() ? nullptr : found->second.get();
}

Catalog::Service* Catalog::FindService(absl::string_view cluster, absl::string_view service) {
  return const_cast<Service*>(static_cast<const Catalog*>(this)->FindService(cluster, service));
}

InstancePtr Catalog::Read(absl::string_view cluster, absl::string_view name, const Service& service, const std::string& id) const {
  const Schema* const schema = claims_->SchemaOf(cluster, name);
  if (schema == nullptr) return nullptr;
  const InstanceName full{std::string(cluster), std::string(name), id};
  const auto stored = service.stored.find(id);
  const bool known = stored != service.stored.end();
  if (known && stored->second.exists()) return std::make_shared<const Instance>(ReadInstance(full, stored->second, *schema));
  const LossBreaker::Loss* const loss = losses_.size() == 0 ? nullptr : losses_.FindHeld(full);
  if (loss == nullptr) return nullptr;
  StoredInstance was = *loss->stored;
  was.override = known ? stored->second.override : std::nullopt;
  auto held = std::make_shared<Instance>(ReadInstance(full, was, *schema));
  held->status = Status::kOwnerLost;
  held->held_until = loss->held_until;
  return held;
}

bool Catalog::Refresh(absl::string_view cluster, absl::string_view name, const PieceSize::Piece& piece, Service* service) {
  // What was read in pieces is shown when nothing is left to read, also if it is gone before it was.
  if (service->changed.empty() && service->pending == nullptr) return true;
  ServiceSnapshot::Changes changes;
  size_t entries = 0;
  auto it = service->changed.begin();
  while (it != service->changed.end() && changes.size() < piece.instances && entries < piece.entries) {
    entries += EntriesOf(cluster, name, *service, *it);
    changes.emplace_back(*it, Read(cluster, name, *service, *it));
    ++it;
  }
  service->changed.erase(service->changed.begin(), it);
  service->pending = service->newest()->With(changes, revision_);
  // Only now it shows one state: what was read before and has changed since is among the changed ones again.
  if (!service->changed.empty()) return false;
  service->snapshot = std::move(service->pending);
  service->pending = nullptr;
  return true;
}

bool Catalog::Unread::IsOver(size_t instances_max) const {
  return instances_max != kAll && (instances > instances_max || entries > static_cast<size_t>(limits::kInlineStoredMax));
}

size_t Catalog::EntriesOf(absl::string_view cluster, absl::string_view name, const Service& service, const std::string& id) const {
  const auto stored = service.stored.find(id);
  if (stored != service.stored.end() && stored->second.exists()) return stored->second.entries.size();
  if (losses_.size() == 0) return 0;
  const LossBreaker::Loss* const loss = losses_.FindHeld({std::string(cluster), std::string(name), id});
  return loss == nullptr ? 0 : loss->stored->entries.size();
}

Catalog::Unread Catalog::UnreadOf(absl::string_view cluster, absl::string_view name, const Service& service, size_t instances_max) const {
  Unread unread{.instances = service.changed.size()};
  if (instances_max == kAll || unread.IsOver(instances_max)) return unread;
  for (const std::string& id : service.changed) unread.entries += EntriesOf(cluster, name, service, id);
  return unread;
}

Catalog::Turn::Turn(const Catalog* catalog) : catalog_(*catalog) {
  catalog_.waiting_.fetch_add(1, std::memory_order_relaxed);
  catalog_.mu_.Lock();
  catalog_.waiting_.fetch_sub(1, std::memory_order_relaxed);
}

Catalog::Turn::~Turn() {
  catalog_.passed_.NotifyAll();
  catalog_.mu_.Unlock();
}

void Catalog::GiveWay() const {
  // A mutex that is only given up would mostly be taken again by who gave it up: those who wait have to wake up first.
  if (waiting_.load(std::memory_order_relaxed) == 0) return;
  // Whose turn it is next may work in pieces too: it sees that this one waits.
  waiting_.fetch_add(1, std::memory_order_relaxed);
  passed_.NotifyAll();
  passed_.WaitFor(&mu_, kTurnMax);
  waiting_.fetch_sub(1, std::memory_order_relaxed);
}

SnapshotPtr Catalog::Find(absl::string_view cluster, absl::string_view service) { return *FindIfRead(cluster, service, kAll); }

std::optional<SnapshotPtr> Catalog::FindIfRead(absl::string_view cluster, absl::string_view service, size_t unread_max) {
  PieceSize piece(instances_at_a_time_);
  const Turn turn(this);
  while (true) {
    Service* const found = FindService(cluster, service);
    if (found == nullptr) return nullptr;
    if (UnreadOf(cluster, service, *found, unread_max).IsOver(unread_max)) return std::nullopt;
    if (Refresh(cluster, service, piece.Next(found->changed.size()), found)) {
      return found->snapshot->size() == 0 ? nullptr : found->snapshot;
    }
    GiveWay();
  }
}

InstancePtr Catalog::FindInstance(const InstanceName& name) const { return *FindInstanceIfRead(name, kAll); }

std::optional<InstancePtr> Catalog::FindInstanceIfRead(const InstanceName& name, size_t entries_max) const {
  const Turn turn(this);
  const Service* const service = FindService(name.cluster, name.service);
  if (service == nullptr) return nullptr;
  if (!service->changed.contains(name.id)) return service->newest()->Find(name.id);
  if (EntriesOf(name.cluster, name.service, *service, name.id) > entries_max) return std::nullopt;
  return Read(name.cluster, name.service, *service, name.id);
}

std::optional<StoredInstance> Catalog::FindStored(const InstanceName& name) const {
  const Turn turn(this);
  const Service* const service = FindService(name.cluster, name.service);
  if (service == nullptr) return std::nullopt;
  const auto stored = service->stored.find(name.id);
  if (stored == service->stored.end()) return std::nullopt;
  return stored->second;
}

std::optional<Ownership> Catalog::FindOwnership(const InstanceName& name) const {
  const Turn turn(this);
  const Service* const service = FindService(name.cluster, name.service);
  if (service == nullptr) return std::nullopt;
  const auto stored = service->stored.find(name.id);
  if (stored == service->stored.end() || !stored->second.exists()) return std::nullopt;
  return ReadOwnership(stored->second);
}

std::vector<std::string> Catalog::Clusters(absl::string_view after, int max) const { return *ClustersIfFew(after, max, kAll); }

std::optional<std::vector<std::string>> Catalog::ClustersIfFew(absl::string_view after, int max, size_t looks_max) const {
  std::vector<std::string> clusters;
  std::string at(after);   // Up to this cluster all is known,
  std::string cluster;     // and of this one
  std::string service_at;  // up to this service.
  size_t looks = 0;
  const Turn turn(this);
  size_t here = 0;  // Looked at in this turn.
  while (static_cast<int>(clusters.size()) < max) {
    if (here > kServicesAtATime) {
      GiveWay();
      here = 0;
    }
    const auto it = clusters_.upper_bound(at);
    if (it == clusters_.end()) break;
    if (it->first != cluster) service_at.clear();
    cluster = it->first;
    bool known = true;
    for (auto service = it->second.upper_bound(service_at); service != it->second.end(); ++service) {
      if (++looks > looks_max) return std::nullopt;
      if (++here > kServicesAtATime) {
        known = false;
        break;
      }
      service_at = service->first;
      if (service->second->instances == 0 && losses_.held({cluster, service->first}) == 0) continue;
      if (claims_->SchemaOf(cluster, service->first) == nullptr) continue;
      clusters.push_back(cluster);
      break;
    }
    if (known) at = cluster;
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
  Unread unread;
  std::optional<PieceSize> piece;  // Of the service that is being read;
  std::string name;                // this one.
  const Turn turn(this);
  size_t here = 0;  // Looked at in this turn.
  while (static_cast<int>(counts.size()) < max) {
    if (here > kServicesAtATime) {
      GiveWay();
      here = 0;
    }
    const auto found = clusters_.find(cluster);
    if (found == clusters_.end()) break;
    const auto it = found->second.upper_bound(at);
    if (it == found->second.end()) break;
    Service& service = *it->second;
    if (!piece.has_value() || it->first != name) {
      piece.emplace(instances_at_a_time_);
      name = it->first;
      const Unread of_service = UnreadOf(cluster, name, service, looks_max);
      unread.instances += of_service.instances;
      unread.entries += of_service.entries;
      if (++looks > looks_max || unread.IsOver(looks_max)) return std::nullopt;
    }
    // As long as it takes to read so many.
    here += 1 + std::min(service.changed.size(), instances_at_a_time_) * kServicesAtATime / instances_at_a_time_;
    if (!Refresh(cluster, name, piece->Next(service.changed.size()), &service)) continue;
    piece.reset();
    at = name;
    const SnapshotPtr& snapshot = service.snapshot;
    if (snapshot->size() == 0) continue;
    counts.push_back({.service = name, .instances = snapshot->size(), .resolvable = snapshot->resolvable(), .held = snapshot->held()});
  }
  return counts;
}

std::vector<Catalog::NamedOverride> Catalog::Overrides(absl::string_view cluster, absl::string_view service, const InstanceName& after,
                                                       int overrides_max) const {
  std::vector<NamedOverride> overrides;
  const Turn turn(this);
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

bool Catalog::SetSoftValues(const InstanceName& name, const Owner& owner, SoftValues soft) {
  const Turn turn(this);
  Service* const service = FindService(name.cluster, name.service);
  if (service == nullptr) return false;
  const auto stored = service->stored.find(name.id);
  if (stored == service->stored.end() || !stored->second.exists()) return false;
  const Ownership owned = ReadOwnership(stored->second);
  if (owned.epoch != owner.epoch || owned.session != owner.session) return false;
  stored->second.soft = std::move(soft);
  service->changed.insert(name.id);
  return true;
}

size_t Catalog::instances() const {
  const Turn turn(this);
  return instances_;
}

}  // namespace scoutlight::discovery

// What the catalog shows of instances whose leases have ended; the rest of it: catalog.cc.
#include <utility>

#include "base/limits.h"
#include "discovery/catalog.h"
#include "discovery/stored_instance.h"

namespace scoutlight::discovery {
namespace {

// An instance of more was written by hand, and is not held when its leases end: it would be copied for each of them.
constexpr size_t kLostEntriesMax = limits::kPropertiesMax + 1;

}  // namespace

void Catalog::ShowAnew(const InstanceName& name) {
  Service& service = ServiceOf(name);
  service.changed.insert(name.id);
  Settle(name);
}

void Catalog::NoteLost(const Place& place, Lost* lost) const {
  if (place.part == Place::Part::kOverride || lost->contains(place.name)) return;
  const Service* const service = FindService(place.name.cluster, place.name.service);
  if (service == nullptr) return;
  const auto stored = service->stored.find(place.name.id);
  if (stored == service->stored.end() || !stored->second.exists()) return;
  // One that is leaving has said so: that it goes is no loss.
  const bool held = stored->second.entries.size() <= kLostEntriesMax && ReadOwnership(stored->second).status != Status::kDraining;
  lost->insert({place.name, held ? std::optional<StoredInstance>(stored->second) : std::nullopt});
}

bool Catalog::JudgeLosses(Lost lost, Instant now) {
  absl::btree_set<ServiceName> services;
  for (auto& [name, stored] : lost) {
    if (!stored.has_value()) continue;
    const Service* const service = FindService(name.cluster, name.service);
    if (service != nullptr) {
      const auto left = service->stored.find(name.id);
      if (left != service->stored.end() && left->second.exists()) continue;
    }
    if (losses_.Add(name, *std::move(stored), now.since_boot)) services.insert({name.cluster, name.service});
  }
  for (const ServiceName& name : services) {
    const Service* const service = FindService(name.cluster, name.service);
    for (std::string& id : losses_.Judge(name, service == nullptr ? 0 : service->instances, now)) {
      ShowAnew({name.cluster, name.service, std::move(id)});
    }
  }
  return !services.empty();
}

std::vector<ServiceName> Catalog::EndHolds(absl::Duration now) {
  const Turn turn(this);
  absl::btree_set<ServiceName> services;
  for (const InstanceName& name : losses_.Expire(now, limits::kLossesConfirmedMax)) {
    ShowAnew(name);
    services.insert({name.cluster, name.service});
  }
  return {services.begin(), services.end()};
}

bool Catalog::HasLosses() const {
  const Turn turn(this);
  return losses_.size() > 0;
}

bool Catalog::HasLossesDue(absl::Duration now) const {
  const Turn turn(this);
  return losses_.IsDue(now);
}

std::vector<std::string> Catalog::HeldOf(const ServiceName& service, size_t max) const {
  const Turn turn(this);
  return losses_.HeldOf(service, max);
}

int Catalog::ConfirmLoss(const ServiceName& service, const std::vector<std::string>& ids) {
  const Turn turn(this);
  int confirmed = 0;
  for (const std::string& id : ids) {
    const InstanceName name{service.cluster, service.service, id};
    if (!losses_.Forget(name)) continue;
    ShowAnew(name);
    ++confirmed;
  }
  return confirmed;
}

void Catalog::TakeLosses(const Catalog& before, Before state) {
  std::vector<std::pair<InstanceName, LossBreaker::Loss>> losses;
  {
    const Turn turn(&before);
    losses = before.losses_.All();
  }
  const Turn turn(this);
  std::vector<std::pair<InstanceName, LossBreaker::Loss>> own = losses_.All();
  losses_ = LossBreaker();
  for (auto& [name, loss] : losses) {
    const Schema* const schema = claims_->SchemaOf(name.cluster, name.service);
    const Schema* const was = before.claims_->SchemaOf(name.cluster, name.service);
    if (schema == nullptr || was == nullptr || schema->name != was->name) continue;
    const Service* const service = FindService(name.cluster, name.service);
    if (service != nullptr) {
      const auto stored = service->stored.find(name.id);
      if (stored != service->stored.end() && stored->second.exists()) continue;
    }
    losses_.Keep(name, std::move(loss));
  }
  if (state == Before::kBehind) {
    for (const auto& [name, loss] : own) losses_.Keep(name, loss);
  }
  for (const auto& [name, loss] : losses) {
    if (losses_.FindHeld(name) != nullptr) ShowAnew(name);
  }
  for (const auto& [name, loss] : own) ShowAnew(name);
}

}  // namespace scoutlight::discovery

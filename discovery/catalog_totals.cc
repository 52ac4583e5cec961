// How much there is in the catalog; the rest of it: catalog.cc.
#include <algorithm>
#include <utility>

#include "discovery/catalog.h"

namespace scoutlight::discovery {
namespace {

// So many services are counted, or instances read that take as long, before others get their turn.
constexpr size_t kServicesAtATime = 1'024;

}  // namespace

Catalog::Service* Catalog::NextService(ServiceName* at) {
  auto cluster = clusters_.lower_bound(at->cluster);
  if (cluster == clusters_.end()) return nullptr;
  auto service = cluster->first == at->cluster ? cluster->second.upper_bound(at->service) : cluster->second.begin();
  while (service == cluster->second.end()) {
    if (++cluster == clusters_.end()) return nullptr;
    service = cluster->second.begin();
  }
  *at = {cluster->first, service->first};
  return service->second.get();
}

void Catalog::AddTo(Totals* totals, const ServiceName& name, const Service& service, size_t guarded_max) const {
  if (claims_->SchemaOf(name.cluster, name.service) == nullptr) return;
  totals->unread += service.changed.size();
  const size_t held = losses_.size() == 0 ? 0 : losses_.held(name);
  if (service.instances + held == 0) return;
  ++totals->services;
  totals->instances += service.instances + held;
  totals->resolvable += service.snapshot->resolvable();
  totals->held += held;
  if (held == 0) return;
  if (totals->guarded.size() < guarded_max) {
    totals->guarded.push_back({.service = name, .held = held, .held_until = losses_.held_until(name)});
  } else {
    ++totals->guarded_omitted;
  }
}

std::optional<Catalog::Totals> Catalog::CountIfFew(const TotalsBounds& bounds) {
  Totals totals;
  ServiceName at;
  std::string counted;  // The last cluster that is among them.
  size_t looks = 0;
  size_t unread_left = bounds.unread_max;
  const Turn turn(this);
  size_t here = 0;  // Looked at in this turn.
  while (true) {
    if (here > kServicesAtATime) {
      GiveWay();
      here = 0;
    }
    const ServiceName before = at;
    Service* const service = NextService(&at);
    if (service == nullptr) return totals;
    if (unread_left > 0 && (!service->changed.empty() || service->pending != nullptr)) {
      const size_t some = std::min({service->changed.size(), unread_left, instances_at_a_time_});
      unread_left -= std::max<size_t>(some, 1);
      here += some * kServicesAtATime / instances_at_a_time_;
      if (!Refresh(at.cluster, at.service, {.instances = some, .entries = PieceSize::kEntries}, service) && unread_left > 0) {
        // The rest of it in the next round, which finds it again.
        at = before;
        here = kServicesAtATime + 1;
        continue;
      }
    }
    ++here;
    if (++looks > bounds.services_max) return std::nullopt;
    const size_t services = totals.services;
    AddTo(&totals, at, *service, bounds.guarded_max);
    if (totals.services > services && std::exchange(counted, at.cluster) != at.cluster) ++totals.clusters;
  }
}

}  // namespace scoutlight::discovery

#include "server/discovery/session_follows.h"

#include <algorithm>
#include <memory>

#include "discovery/catalog.h"

namespace scoutlight::server {

using discovery::InstanceName;
using discovery::InstancePtr;
using discovery::ServiceName;
using discovery::SnapshotPtr;

SnapshotPtr SessionFollows::SnapshotOf(const ServiceName& service) const {
  const std::shared_ptr<discovery::Catalog> catalog = feed_.catalog();
  return catalog == nullptr ? nullptr : catalog->Find(service.cluster, service.service);
}

void SessionFollows::Follow(LiveSession* session, const InstanceName& name) {
  const ServiceName service{name.cluster, name.service};
  const auto [found, is_new] = services_.try_emplace(service);
  if (is_new) found->second.seen = SnapshotOf(service);
  found->second.sessions[name.id].push_back(session);
}

void SessionFollows::Unfollow(LiveSession* session, const InstanceName& name) {
  const auto service = services_.find(ServiceName{name.cluster, name.service});
  const auto instance = service->second.sessions.find(name.id);
  std::vector<LiveSession*>& sessions = instance->second;
  sessions.erase(std::find(sessions.begin(), sessions.end(), session));
  if (sessions.empty()) service->second.sessions.erase(instance);
  if (service->second.sessions.empty()) services_.erase(service);
}

void SessionFollows::Expect(const InstanceName& name) {
  const auto service = services_.find(ServiceName{name.cluster, name.service});
  if (service != services_.end()) service->second.expected.insert(name.id);
}

SessionFollows::Changes SessionFollows::Look(const absl::flat_hash_set<ServiceName>& services) {
  Changes changes;
  for (const ServiceName& name : services) {
    const auto service = services_.find(name);
    if (service != services_.end()) LookAt(name, &service->second, &changes);
  }
  return changes;
}

SessionFollows::Changes SessionFollows::LookAtAll() {
  Changes changes;
  for (auto& [name, service] : services_) LookAt(name, &service, &changes);
  return changes;
}

void SessionFollows::LookAt(const ServiceName& name, Service* service, Changes* changes) const {
  SnapshotPtr now = SnapshotOf(name);
  discovery::ForEachDifference(service->seen.get(), now.get(), [&](const InstancePtr& was, const InstancePtr& is) {
    const InstanceName& changed = was != nullptr ? was->name : is->name;
    const auto followed = service->sessions.find(changed.id);
    if (followed == service->sessions.end()) return;
    for (LiveSession* session : followed->second) changes->emplace_back(session, changed);
  });
  for (const std::string& id : service->expected) {
    if (now != nullptr && now->Find(id) != nullptr) continue;
    if (service->seen != nullptr && service->seen->Find(id) != nullptr) continue;  // Told above.
    const auto followed = service->sessions.find(id);
    if (followed == service->sessions.end()) continue;
    for (LiveSession* session : followed->second) changes->emplace_back(session, InstanceName{name.cluster, name.service, id});
  }
  service->expected.clear();
  service->seen = std::move(now);
}

}  // namespace scoutlight::server

#include "discovery/loss_breaker.h"

#include <utility>

namespace scoutlight::discovery {

bool LossBreaker::Keep(const InstanceName& name, Loss loss) {
  if (due_.size() >= static_cast<size_t>(limits::kLossesRememberedMax)) return false;
  Service& service = services_[{name.cluster, name.service}];
  const auto [found, is_new] = service.losses.try_emplace(name.id, std::move(loss));
  if (!is_new) return false;
  const Loss& added = found->second;
  due_.insert({DueOf(added), name});
  service.recent.insert({added.lost_at, name.id});
  if (added.held) {
    ++service.held;
  } else {
    service.unheld.insert(name.id);
  }
  return true;
}

bool LossBreaker::Add(const InstanceName& name, StoredInstance stored, absl::Duration now) {
  Forget(name);
  return Keep(name, {.stored = std::make_shared<const StoredInstance>(std::move(stored)),
                     .lost_at = now,
                     .held = false,
                     .held_until = absl::InfinitePast()});
}

std::vector<std::string> LossBreaker::Judge(const ServiceName& name, size_t live, Instant now) {
  std::vector<std::string> held;
  const auto found = services_.find(name);
  if (found == services_.end()) return held;
  Service& service = found->second;
  while (!service.recent.empty() && service.recent.begin()->first <= now.since_boot - limits::kLossWindow) {
    service.recent.erase(service.recent.begin());
  }
  const size_t lost = service.recent.size();
  if (lost < static_cast<size_t>(limits::kLossesHeldMin)) return held;
  if (lost * 100 <= (live + lost) * static_cast<size_t>(limits::kLossSharePercent)) return held;
  for (auto it = service.unheld.begin(); it != service.unheld.end();) {
    Loss& loss = service.losses.find(*it)->second;
    // What is out of the window was lost for itself; it is forgotten as soon as somebody looks.
    if (loss.lost_at <= now.since_boot - limits::kLossWindow) {
      ++it;
      continue;
    }
    due_.erase({DueOf(loss), {name.cluster, name.service, *it}});
    loss.held = true;
    loss.held_until = now.calendar + (DueOf(loss) - now.since_boot);
    due_.insert({DueOf(loss), {name.cluster, name.service, *it}});
    ++service.held;
    held.push_back(*it);
    it = service.unheld.erase(it);
  }
  return held;
}

bool LossBreaker::Forget(const InstanceName& name) {
  const auto service = services_.find({name.cluster, name.service});
  if (service == services_.end()) return false;
  const auto loss = service->second.losses.find(name.id);
  if (loss == service->second.losses.end()) return false;
  const bool held = loss->second.held;
  due_.erase({DueOf(loss->second), name});
  service->second.recent.erase({loss->second.lost_at, name.id});
  service->second.unheld.erase(name.id);
  service->second.held -= held ? 1 : 0;
  service->second.losses.erase(loss);
  if (service->second.losses.empty()) services_.erase(service);
  return held;
}

std::vector<InstanceName> LossBreaker::Expire(absl::Duration now) {
  std::vector<InstanceName> released;
  while (IsDue(now)) {
    const InstanceName name = due_.begin()->second;
    if (Forget(name)) released.push_back(name);
  }
  return released;
}

const LossBreaker::Loss* LossBreaker::FindHeld(const InstanceName& name) const {
  const auto service = services_.find({name.cluster, name.service});
  if (service == services_.end()) return nullptr;
  const auto loss = service->second.losses.find(name.id);
  return loss != service->second.losses.end() && loss->second.held ? &loss->second : nullptr;
}

std::vector<std::string> LossBreaker::HeldOf(const ServiceName& name) const {
  std::vector<std::string> held;
  const auto service = services_.find(name);
  if (service == services_.end()) return held;
  for (const auto& [id, loss] : service->second.losses) {
    if (loss.held) held.push_back(id);
  }
  return held;
}

std::vector<std::pair<InstanceName, LossBreaker::Loss>> LossBreaker::All() const {
  std::vector<std::pair<InstanceName, Loss>> all;
  for (const auto& [due, name] : due_) {
    all.emplace_back(name, services_.find({name.cluster, name.service})->second.losses.find(name.id)->second);
  }
  return all;
}

size_t LossBreaker::held(const ServiceName& name) const {
  const auto service = services_.find(name);
  return service == services_.end() ? 0 : service->second.held;
}

}  // namespace scoutlight::discovery

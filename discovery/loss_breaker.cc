#include "discovery/loss_breaker.h"

#include <algorithm>
#include <utility>

namespace scoutlight::discovery {
namespace {

// So many losses in a second say that the store works off a backlog of leases that have ended.
constexpr int kBacklogPace = limits::kLeasesExpiredPerSecondMax / 2;

int64_t SecondOf(absl::Duration time) { return absl::ToInt64Seconds(absl::Floor(time, absl::Seconds(1))); }

}  // namespace

bool LossBreaker::Keep(const InstanceName& name, Loss loss) {
  if (by_time_.size() >= static_cast<size_t>(limits::kLossesRememberedMax)) return false;
  Service& service = services_[{name.cluster, name.service}];
  const auto [found, is_new] = service.losses.try_emplace(name.id, std::move(loss));
  if (!is_new) return false;
  const Loss& added = found->second;
  by_time_.insert({added.lost_at, name});
  service.recent.insert({added.lost_at, name.id});
  if (added.held) {
    ++service.held;
    service.held_until = std::max(service.held_until, added.held_until);
  } else {
    service.unheld.insert(name.id);
  }
  return true;
}

bool LossBreaker::Add(const InstanceName& name, StoredInstance stored, absl::Duration now) {
  Forget(name);
  ++paces_[SecondOf(now)];
  paces_.erase(paces_.begin(), paces_.lower_bound(SecondOf(now - limits::kLossHeldMax)));
  return Keep(name, {.stored = std::make_shared<const StoredInstance>(std::move(stored)),
                     .lost_at = now,
                     .held = false,
                     .held_until = absl::InfinitePast()});
}

absl::Duration LossBreaker::WindowStart(absl::Duration now) const {
  absl::Duration start = now - limits::kLossWindow;
  // The second that `start` lies in, and those before.
  for (auto pace = paces_.find(SecondOf(start)); pace != paces_.end() && pace->second >= kBacklogPace;
       pace = paces_.find(pace->first - 1)) {
    start = absl::Seconds(pace->first) - absl::Nanoseconds(1);
  }
  return start;
}

std::vector<std::string> LossBreaker::Judge(const ServiceName& name, size_t live, Instant now) {
  std::vector<std::string> held;
  const auto found = services_.find(name);
  if (found == services_.end()) return held;
  Service& service = found->second;
  const absl::Duration start = WindowStart(now.since_boot);
  while (!service.recent.empty() && service.recent.begin()->first <= start) {
    service.unheld.erase(service.recent.begin()->second);
    service.recent.erase(service.recent.begin());
  }
  const size_t lost = service.recent.size();
  if (lost < static_cast<size_t>(limits::kLossesHeldMin)) return held;
  if (lost * 100 <= (live + lost) * static_cast<size_t>(limits::kLossSharePercent)) return held;
  held.assign(service.unheld.begin(), service.unheld.end());
  service.unheld.clear();
  service.held += held.size();
  for (const std::string& id : held) {
    Loss& loss = service.losses.find(id)->second;
    loss.held = true;
    loss.held_until = now.calendar + (loss.lost_at + limits::kLossHeldMax - now.since_boot);
    service.held_until = std::max(service.held_until, loss.held_until);
  }
  return held;
}

bool LossBreaker::Forget(const InstanceName& name) {
  const auto service = services_.find({name.cluster, name.service});
  if (service == services_.end()) return false;
  const auto loss = service->second.losses.find(name.id);
  if (loss == service->second.losses.end()) return false;
  const bool held = loss->second.held;
  by_time_.erase({loss->second.lost_at, name});
  service->second.recent.erase({loss->second.lost_at, name.id});
  service->second.unheld.erase(name.id);
  service->second.held -= held ? 1 : 0;
  service->second.losses.erase(loss);
  if (service->second.losses.empty()) services_.erase(service);
  return held;
}

std::vector<InstanceName> LossBreaker::Expire(absl::Duration now, size_t max) {
  std::vector<InstanceName> released;
  for (size_t i = 0; i < max && IsDue(now); ++i) {
    const InstanceName name = by_time_.begin()->second;
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

std::vector<std::string> LossBreaker::HeldOf(const ServiceName& name, size_t max) const {
  std::vector<std::string> held;
  const auto service = services_.find(name);
  if (service == services_.end()) return held;
  for (const auto& [id, loss] : service->second.losses) {
    if (held.size() == max) break;
    if (loss.held) held.push_back(id);
  }
  return held;
}

std::vector<std::pair<InstanceName, LossBreaker::Loss>> LossBreaker::All() const {
  std::vector<std::pair<InstanceName, Loss>> all;
  for (const auto& [lost_at, name] : by_time_) {
    all.emplace_back(name, services_.find({name.cluster, name.service})->second.losses.find(name.id)->second);
  }
  return all;
}

size_t LossBreaker::held(const ServiceName& name) const {
  const auto service = services_.find(name);
  return service == services_.end() ? 0 : service->second.held;
}

absl::Time LossBreaker::held_until(const ServiceName& name) const {
  const auto service = services_.find(name);
  return service == services_.end() || service->second.held == 0 ? absl::InfinitePast() : service->second.held_until;
}

}  // namespace scoutlight::discovery

#include "server/discovery/hub_inbox.h"

#include <algorithm>
#include <utility>

namespace scoutlight::server {

void HubInbox::Post(Task task) {
  {
    MutexLock lock(&mu_);
    if (closed_) return;
    round_.tasks.push_back(std::move(task));
  }
  wake_.NotifyOne();
}

void HubInbox::NoteChanged(const std::vector<discovery::ServiceName>& services) {
  {
    MutexLock lock(&mu_);
    round_.any_changed = round_.any_changed || services.empty() || round_.changed.size() > kChangedServicesMax;
    if (!round_.any_changed) round_.changed.insert(services.begin(), services.end());
  }
  wake_.NotifyOne();
}

std::optional<HubInbox::Round> HubInbox::Take(absl::Duration timeout) {
  MutexLock lock(&mu_);
  if (IsEmpty() && !closed_) wake_.WaitFor(&mu_, std::clamp(timeout, absl::ZeroDuration(), kIdleLook));
  if (closed_) return std::nullopt;
  return std::exchange(round_, Round());
}

void HubInbox::Close() {
  // Destroyed after the lock.
  Round dropped;
  {
    MutexLock lock(&mu_);
    closed_ = true;
    dropped = std::exchange(round_, Round());
  }
  wake_.NotifyAll();
}

}  // namespace scoutlight::server

#include "client/locator/service_watcher.h"

#include <utility>

namespace scoutlight::client {

using discovery::InstancePtr;
using discovery::SnapshotPtr;

void ServiceWatcher::Offer(SnapshotPtr snapshot) {
  {
    MutexLock lock(&shown_->mu);
    if (std::exchange(shown_->newest, std::move(snapshot)) != nullptr) return;
  }
  gate_.Post([shown = shown_] { Show(shown.get()); });
}

void ServiceWatcher::Show(Shown* shown) {
  SnapshotPtr newest;
  {
    MutexLock lock(&shown->mu);
    newest = std::exchange(shown->newest, nullptr);
  }
  const SnapshotPtr before = std::exchange(shown->snapshot, newest);
  ServiceChange change{.snapshot = newest, .changed = {}, .removed = {}};
  discovery::ForEachDifference(before.get(), newest.get(), [&change](const InstancePtr& was, const InstancePtr& is) {
    if (is != nullptr) {
      change.changed.push_back(is);
    } else {
      change.removed.push_back(was);
    }
  });
  // That there is nothing is told once.
  if (before != nullptr && change.changed.empty() && change.removed.empty()) return;
  shown->tell(change);
}

}  // namespace scoutlight::client

namespace scoutlight {

ChangeWatch::ChangeWatch(std::shared_ptr<client::ServiceWatcher> watcher) : watcher_(std::move(watcher)) {}

ChangeWatch::ChangeWatch(ChangeWatch&&) noexcept = default;

ChangeWatch& ChangeWatch::operator=(ChangeWatch&& other) noexcept {
  ChangeWatch moved(std::move(other));
  std::swap(watcher_, moved.watcher_);
  return *this;
}

ChangeWatch::~ChangeWatch() {
  if (watcher_ != nullptr) watcher_->Close();
}

}  // namespace scoutlight

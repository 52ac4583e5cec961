#include "storage/local/pinned_views.h"

#include <algorithm>
#include <utility>

namespace scoutlight::storage {

void PinnedViews::Pin(std::shared_ptr<const View> view, absl::Duration now) {
  std::shared_ptr<const View> dropped;  // Released outside of the lock: a snapshot's end takes time.
  MutexLock lock(&mu_);
  const Revision revision = view->revision;
  views_[revision] = {std::move(view), now};
  if (views_.size() <= views_max_) return;
  const auto first =
      std::min_element(views_.begin(), views_.end(), [](const auto& a, const auto& b) { return a.second.since < b.second.since; });
  dropped = std::move(first->second.view);
  views_.erase(first);
}

std::shared_ptr<const View> PinnedViews::Find(Revision revision) const {
  MutexLock lock(&mu_);
  const auto found = views_.find(revision);
  return found == views_.end() ? nullptr : found->second.view;
}

void PinnedViews::Expire(absl::Duration now) {
  MutexLock lock(&mu_);
  for (auto it = views_.begin(); it != views_.end();) it = it->second.since + age_max_ < now ? views_.erase(it) : std::next(it);
}

void PinnedViews::Clear() {
  MutexLock lock(&mu_);
  views_.clear();
}

}  // namespace scoutlight::storage

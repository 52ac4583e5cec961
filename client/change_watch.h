#ifndef SCOUTLIGHT_CLIENT_CHANGE_WATCH_H_
#define SCOUTLIGHT_CLIENT_CHANGE_WATCH_H_

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "discovery/service_snapshot.h"

namespace scoutlight {

namespace client {
class LocatorCore;
class ServiceWatcher;
}  // namespace client

// What has become of a service since the callback before; the first time, since there was nothing.
struct ServiceChange {
  discovery::SnapshotPtr snapshot;              // As it is: all instances, those too that take no work.
  std::vector<discovery::InstancePtr> changed;  // New, or not as before; by id.
  std::vector<discovery::InstancePtr> removed;  // As they were; by id.
};

using ChangeCallback = std::function<void(const ServiceChange&)>;

// While it lives, the callback of a Locator::OnChange is called. Once it is destroyed, it is not any more: unless that happens in the
// callback itself, the destructor waits for one that runs. May outlive the locator, and is then told nothing.
class ChangeWatch {
 public:
  ChangeWatch() = default;
  ~ChangeWatch();
  ChangeWatch(ChangeWatch&&) noexcept;
  ChangeWatch& operator=(ChangeWatch&&) noexcept;

 private:
  friend class client::LocatorCore;
  explicit ChangeWatch(std::shared_ptr<client::ServiceWatcher> watcher);

  std::shared_ptr<client::ServiceWatcher> watcher_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_CHANGE_WATCH_H_

#ifndef SCOUTLIGHT_CLIENT_LOCATOR_SERVICE_WATCHER_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_SERVICE_WATCHER_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "client/change_watch.h"
#include "client/events/callback_gate.h"
#include "client/events/event_loop.h"
#include "discovery/service_snapshot.h"

namespace scoutlight::client {

// Shows one callback of the program's how a service changes. At most one call waits: it shows what is newest when it begins. Thread-safe.
class ServiceWatcher {
 public:
  // `keep` owns `callbacks`.
  ServiceWatcher(EventLoop* callbacks, std::shared_ptr<void> keep, ChangeCallback callback)
      : keep_(std::move(keep)), shown_(std::make_shared<Shown>(std::move(callback))), gate_(callbacks) {}

  // The service is as `snapshot` now, not null.
  void Offer(discovery::SnapshotPtr snapshot);
  // As ~ChangeWatch.
  void Close() { gate_.Close(); }

 private:
  // What a callback uses, which may destroy the watcher.
  struct Shown {
    explicit Shown(ChangeCallback callback) : tell(std::move(callback)) {}

    const ChangeCallback tell;
    discovery::SnapshotPtr snapshot;  // Null: none. Of the thread for callbacks alone.
    Mutex mu;
    discovery::SnapshotPtr newest ABSL_GUARDED_BY(mu);  // Null: no call waits.
  };

  static void Show(Shown* shown);

  const std::shared_ptr<void> keep_;
  const std::shared_ptr<Shown> shown_;
  CallbackGate gate_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_SERVICE_WATCHER_H_

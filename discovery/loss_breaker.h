#ifndef SCOUTLIGHT_DISCOVERY_LOSS_BREAKER_H_
#define SCOUTLIGHT_DISCOVERY_LOSS_BREAKER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/instant.h"
#include "base/limits.h"
#include "discovery/names.h"
#include "discovery/stored_instance.h"

namespace scoutlight::discovery {

// Which instances are kept though their leases have ended, because so many of a service's did at a time that rather the registry was cut
// off from their owners than all of them gone. More than limits::kLossSharePercent of those that a service had, and at least
// limits::kLossesHeldMin, lost within the window: then all of these are held, each until limits::kLossHeldMax after its loss. The window is
// limits::kLossWindow; while leases end about as fast as the store lets them (limits::kLeasesExpiredPerSecondMax), what has ended since
// that began is one event, and within it too. An instance that has come back, or whose loss is confirmed, counts no more. Each service is
// judged by itself, and by what it has lost anew: nothing prolongs a hold. At most limits::kLossesRememberedMax losses are remembered,
// whatever else is lost is gone at once. Not thread-safe.
class LossBreaker {
 public:
  struct Loss {
    std::shared_ptr<const StoredInstance> stored;  // What it was.
    absl::Duration lost_at;                        // Since boot.
    bool held = false;
    absl::Time held_until;
  };

  // An instance's lease has ended. In place of an earlier loss of the same one. False: too many are remembered.
  bool Add(const InstanceName& name, StoredInstance stored, absl::Duration now);
  // After the losses of a batch: holds those of the service that are to be held, of which `live` are left. The ids of those that are held
  // only now.
  std::vector<std::string> Judge(const ServiceName& service, size_t live, Instant now);
  // It is there again, or lost indeed. Whether it was held.
  bool Forget(const InstanceName& name);
  // As Forget, of what is limits::kLossHeldMax past, at most `max` of them. Those that were held.
  std::vector<InstanceName> Expire(absl::Duration now, size_t max);
  // Whether Expire would do something.
  bool IsDue(absl::Duration now) const { return !by_time_.empty() && by_time_.begin()->first <= now - limits::kLossHeldMax; }

  // Null: it is not held. Valid until the next change.
  const Loss* FindHeld(const InstanceName& name) const;
  // At most `max` of a service's.
  std::vector<std::string> HeldOf(const ServiceName& service, size_t max) const;
  size_t held(const ServiceName& service) const;
  // No hold of a service lasts longer; the one that would may have ended already. InfinitePast: none is held.
  absl::Time held_until(const ServiceName& service) const;
  // Losses that are remembered, held or not.
  size_t size() const { return by_time_.size(); }

  // Of what is remembered.
  std::vector<std::pair<InstanceName, Loss>> All() const;
  // Remembers what another one does. False: it is remembered already, or too many are.
  bool Keep(const InstanceName& name, Loss loss);

 private:
  struct Service {
    absl::btree_map<std::string, Loss> losses;
    absl::btree_set<std::pair<absl::Duration, std::string>> recent;  // Within the window, when judged last: by time.
    absl::btree_set<std::string> unheld;                             // Of these.
    size_t held = 0;
    absl::Time held_until = absl::InfinitePast();  // The latest of all holds there were.
  };

  // After this what is lost by now is within the window.
  absl::Duration WindowStart(absl::Duration now) const;

  absl::flat_hash_map<ServiceName, Service> services_;
  absl::btree_set<std::pair<absl::Duration, InstanceName>> by_time_;  // When each loss was, the oldest first.
  absl::btree_map<int64_t, int> paces_;  // How many there were in each second, of the last limits::kLossHeldMax.
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_LOSS_BREAKER_H_

#ifndef SCOUTLIGHT_SERVER_FLEET_FLEET_WATCH_H_
#define SCOUTLIGHT_SERVER_FLEET_FLEET_WATCH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "base/entry.h"
#include "server/fleet/fleet_parts.h"
#include "server/fleet/fleet_records.h"
#include "server/watch/watch_hub.h"
#include "server/watch/watch_stream.h"

namespace scoutlight::registry::v1 {
class Entry;
}

namespace scoutlight::server {

// A watch of what servers keep in the store for each other: a stream of the hub within this process, as a client's would be. What it shows
// comes in order for each of the two trees, the state first, on the fleet's thread, which takes one frame at a time.
class FleetWatch final : public WatchStream, public std::enable_shared_from_this<FleetWatch> {
 public:
  // Called on the fleet's thread.
  struct Events {
    std::function<void(const FleetKey& key, const std::string& text, Revision revision, LeaseId lease_id)> on_put;
    std::function<void(const FleetKey& key)> on_gone;
    // The state of a tree is complete as of `revision`: `names` are all that there are of servers, or of drains.
    std::function<void(FleetKey::Kind kind, const absl::flat_hash_set<std::string>& names, Revision revision)> on_state;
    // Nothing more comes.
    std::function<void(const absl::Status& why)> on_end;
  };

  // `events` is called no more after Detach() or the end of the thread that `post` leads to.
  FleetWatch(WatchHub* hub, FleetPost post, Events events) : hub_(*hub), post_(std::move(post)), events_(std::move(events)) {}

  // Once. kResourceExhausted: the hub has no place.
  absl::Status Open();
  // On the fleet's thread.
  void Detach() { detached_ = true; }

  // WatchStream.
  void Write(int64_t watch_id, const FrameBytes& frame) override;
  void ReadNext() override;
  void Finish(const WatchEnd& end) override;

 private:
  void Take(int64_t watch_id, const FrameBytes& frame);
  std::optional<FleetKey> Show(const registry::v1::Entry& entry);

  WatchHub& hub_;  // Outlives what runs on the fleet's thread, and calls this only while it lives.
  const FleetPost post_;
  const Events events_;
  int64_t asked_ = 0;  // Watches that the hub was asked for; the hub's thread's.
  // The fleet's thread's.
  bool detached_ = false;
  absl::flat_hash_set<std::string> servers_;  // Of the state that is being shown.
  absl::flat_hash_set<std::string> drains_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_FLEET_FLEET_WATCH_H_

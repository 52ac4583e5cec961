#ifndef SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_FRAMES_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_FRAMES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/entry.h"
#include "discovery/filter/filter.h"
#include "discovery/service_snapshot.h"

namespace scoutlight::server {

// A whole discovery.v1.WatchResponse, which any number of streams may write.
using InstanceFrame = std::shared_ptr<const std::string>;

// Makes the frames that tell how a service's instances change from one snapshot to another, as far as a filter shows it: at most 1 MiB each
// if an instance is not larger. Within a round equal ones are made once. Not thread-safe but for made().
class InstanceFrames {
 public:
  explicit InstanceFrames(StoreId store_id) : store_id_(std::move(store_id)) {}

  // A step of a client.
  struct Step {
    discovery::SnapshotPtr from;  // What it has; null: nothing yet.
    discovery::SnapshotPtr to;
    Revision to_revision = 0;
    std::string after;  // Up to this id the frames of the step have come.
  };
  // The step's next frame.
  struct Next {
    InstanceFrame frame;  // Null: nothing is left that the client should see.
    std::string after;
    bool last = false;  // The client has `to` with it.
  };
  Next NextOf(const Step& step, const discovery::Filter& filter);

  InstanceFrame Progress(Revision revision) const;

  // The next round begins: nothing is remembered.
  void Clear() { made_.clear(); }

  // Frames of steps made so far.
  int64_t made() const { return frames_made_.load(std::memory_order_relaxed); }

 private:
  struct Made {
    Next next;
    // Kept alive, so that no other snapshot gets their place in memory while the frame is remembered.
    discovery::SnapshotPtr from;
    discovery::SnapshotPtr to;
  };

  Next Make(const Step& step, const discovery::Filter& filter);

  const StoreId store_id_;
  absl::flat_hash_map<std::string, Made> made_;  // By what they lead from and to, for whom.
  std::atomic<int64_t> frames_made_{0};          // Orders nothing.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_FRAMES_H_

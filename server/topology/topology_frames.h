#ifndef SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_FRAMES_H_
#define SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_FRAMES_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/watch/watch_stream.h"

namespace scoutlight::server {

// Turns the frames that a watch of NewestKey() is sent (scoutlight.registry.v1.WatchResponse) into those of TopologyService.Watch
// (scoutlight.topology.v1.WatchResponse), which are no longer. The hub gives one frame to all streams that need it: it is turned once for
// those that come one after the other. Used on the hub's thread alone.
class TopologyFrames {
 public:
  // Null: nothing is to be sent for `frame`. kDataLoss: it shows what TopologyService does not store.
  absl::StatusOr<FrameBytes> Turn(const FrameBytes& frame);

 private:
  std::weak_ptr<const std::string> last_;  // Not kept for this; a later frame at its address is not it.
  FrameBytes turned_;                      // Of `last_`.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_FRAMES_H_

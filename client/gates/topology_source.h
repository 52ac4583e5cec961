#ifndef SCOUTLIGHT_CLIENT_GATES_TOPOLOGY_SOURCE_H_
#define SCOUTLIGHT_CLIENT_GATES_TOPOLOGY_SOURCE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "topology/topology.h"

namespace scoutlight {

using TopologyPtr = std::shared_ptr<const topology::Topology>;

// While it lives, a source's callback is called; not any more once its destructor has returned.
class TopologySourceWatch {
 public:
  virtual ~TopologySourceWatch() = default;
};

// Where a machine learns who is linked with whom. Thread-safe. Outlives its watches.
class TopologySource {
 public:
  // A topology, never null; or why there is no newer one, after which the one before holds. May be called inside Watch().
  using Callback = std::function<void(absl::StatusOr<TopologyPtr>)>;

  virtual ~TopologySource() = default;

  // Calls `callback` with the topology as soon as it is known, and whenever it changes; one call at a time. An error: nothing is watched.
  virtual absl::StatusOr<std::unique_ptr<TopologySourceWatch>> Watch(Callback callback) = 0;
};

// A document that stays as it is. kInvalidArgument: as topology::ParseTopology.
absl::StatusOr<std::shared_ptr<TopologySource>> LiteralTopology(absl::string_view document);

// A file with a document, looked at every `period`, and read when size, time or inode have changed: it should be replaced by renaming. One
// that cannot be read, or has mistakes, changes nothing and is told once. Watch() reads it first.
std::shared_ptr<TopologySource> FileTopology(std::string path, absl::Duration period = absl::Milliseconds(200));

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_GATES_TOPOLOGY_SOURCE_H_

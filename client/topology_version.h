#ifndef SCOUTLIGHT_CLIENT_TOPOLOGY_VERSION_H_
#define SCOUTLIGHT_CLIENT_TOPOLOGY_VERSION_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "base/entry.h"

namespace scoutlight {

// One version of a cluster's topology, as the server keeps it. What the members mean stands at TopologyVersion in topology.proto.
struct TopologyVersion {
  int64_t version = 0;    // 0: there never was one.
  Revision revision = 0;  // At which it was made; 0: it was not.
  absl::Time applied_at;
  std::string applied_by;
  std::string comment;
  int64_t restored_version = 0;  // Whose document it has again; 0: it is its own.
  bool deleted = false;          // There is no topology since then.
  std::string document;          // Empty: of a deletion, and where it says so.

  friend bool operator==(const TopologyVersion&, const TopologyVersion&) = default;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_TOPOLOGY_VERSION_H_

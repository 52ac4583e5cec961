#ifndef SCOUTLIGHT_CLIENT_WIRE_TOPOLOGY_CONVERSION_H_
#define SCOUTLIGHT_CLIENT_WIRE_TOPOLOGY_CONVERSION_H_

#include <vector>

#include "client/topology_version.h"
#include "scoutlight/topology/v1/topology.pb.h"
#include "topology/topology_diff.h"

namespace scoutlight::client {

// Of TopologyService's messages. Thread-safe.
TopologyVersion TopologyVersionOf(topology::v1::TopologyVersion version);
// Without those at an end that this version does not know.
std::vector<topology::LinkChange> LinkChangesOf(const topology::v1::LinkChanges& changes);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_TOPOLOGY_CONVERSION_H_

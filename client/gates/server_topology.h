#ifndef SCOUTLIGHT_CLIENT_GATES_SERVER_TOPOLOGY_H_
#define SCOUTLIGHT_CLIENT_GATES_SERVER_TOPOLOGY_H_

#include <memory>
#include <string>

#include "client/connection.h"
#include "client/gates/topology_source.h"

namespace scoutlight {

// The newest topology that operators have applied to a cluster (client/topology.h), followed through interruptions and restarts of the
// server. If there is none, or it was deleted, one without links. A version that cannot be read is told as why, and the one before holds.
std::shared_ptr<TopologySource> ServerTopology(Connection connection, std::string cluster = "default");

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_GATES_SERVER_TOPOLOGY_H_

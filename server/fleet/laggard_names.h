#ifndef SCOUTLIGHT_SERVER_FLEET_LAGGARD_NAMES_H_
#define SCOUTLIGHT_SERVER_FLEET_LAGGARD_NAMES_H_

#include <string>
#include <vector>

#include "server/discovery/drain_waits.h"

namespace scoutlight::server {

// Whom the answer to a drain names: subscribers by their ids, servers by their addresses. For tests.
inline std::vector<std::string> LaggardNames(const DrainOutcome& outcome) {
  std::vector<std::string> names;
  for (const auto& laggard : outcome.laggards) names.push_back(laggard.subscriber_id.empty() ? laggard.peer : laggard.subscriber_id);
  return names;
}

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_FLEET_LAGGARD_NAMES_H_

#ifndef SCOUTLIGHT_TOPOLOGY_LINK_MATCHING_H_
#define SCOUTLIGHT_TOPOLOGY_LINK_MATCHING_H_

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "topology/topology.h"

namespace scoutlight::topology {

// An out link as it was written.
struct WrittenOutLink {
  std::string path;     // In the document: `feeder.links[0]`.
  std::string service;  // Whose it is.
  OutLink link;         // With `to_queue` as written: empty, if it was not.
  std::optional<Delivery> delivery;
};

// Finds the other end of each of `links` among the in links of `topology`, and adds them, in order, to their services there. What has none
// is left out, and added to `mistakes` with why. Ends early when there are kMistakesMax of them. Thread-safe.
void MatchLinks(std::vector<WrittenOutLink> links, Topology* topology, std::vector<FieldViolation>* mistakes);

}  // namespace scoutlight::topology

#endif  // SCOUTLIGHT_TOPOLOGY_LINK_MATCHING_H_

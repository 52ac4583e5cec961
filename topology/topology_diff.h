#ifndef SCOUTLIGHT_TOPOLOGY_TOPOLOGY_DIFF_H_
#define SCOUTLIGHT_TOPOLOGY_TOPOLOGY_DIFF_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "topology/topology.h"

namespace scoutlight::topology {

// Which end of a link a service has.
enum class LinkEnd : uint8_t { kIn, kOut };

// "in", "out". Thread-safe, as all that follow.
absl::string_view LinkEndText(LinkEnd end);

// A link as it would stand in a document, on one line, with what the document leaves to be found (`to_queue`, `delivery` if it is not
// plain): `{"outgate":"emailsink","queue":"encrypted","to_queue":"crypted_mails","type":"PUSH"}`.
std::string LinkText(const InLink& link);
std::string LinkText(const OutLink& link);

// One link that is not the same in two topologies. A service's in link and its out link of one queue are two links.
struct LinkChange {
  std::string service;
  LinkEnd end = LinkEnd::kIn;
  std::string queue;
  std::string before;  // LinkText(); empty: there was none.
  std::string after;   // Likewise: there is none.

  friend bool operator==(const LinkChange&, const LinkChange&) = default;
};

// What leads from `before` to `after`, by service, in links first, by queue. The order of links is no difference, nor are services without
// links.
std::vector<LinkChange> DiffTopologies(const Topology& before, const Topology& after);

}  // namespace scoutlight::topology

#endif  // SCOUTLIGHT_TOPOLOGY_TOPOLOGY_DIFF_H_

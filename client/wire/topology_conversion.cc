#include "client/wire/topology_conversion.h"

#include <utility>

#include "client/wire/time_conversion.h"

namespace scoutlight::client {

namespace wire = topology::v1;

TopologyVersion TopologyVersionOf(wire::TopologyVersion version) {
  return {.version = version.version(),
          .revision = version.revision(),
          .applied_at = TimeOf(version.applied_at()),
          .applied_by = std::move(*version.mutable_applied_by()),
          .comment = std::move(*version.mutable_comment()),
          .restored_version = version.restored_version(),
          .deleted = version.deleted(),
          .document = std::move(*version.mutable_document())};
}

std::vector<topology::LinkChange> LinkChangesOf(const wire::LinkChanges& changes) {
  std::vector<topology::LinkChange> links;
  for (const wire::LinkChange& change : changes.changes()) {
    if (change.end() != wire::LinkChange::END_IN && change.end() != wire::LinkChange::END_OUT) continue;
    const topology::LinkEnd end = change.end() == wire::LinkChange::END_IN ? topology::LinkEnd::kIn : topology::LinkEnd::kOut;
    links.push_back({change.service(), end, change.queue(), change.before(), change.after()});
  }
  return links;
}

}  // namespace scoutlight::client

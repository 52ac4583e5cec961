#ifndef SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_CONVERSION_H_
#define SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_CONVERSION_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "scoutlight/topology/v1/topology.pb.h"
#include "server/topology/topology_editor.h"
#include "server/topology/topology_reads.h"
#include "server/watch/watch_stream.h"

namespace scoutlight::server {

// Between TopologyService's messages and what it works with. From requests: kInvalidArgument names every field that breaks a rule, with the
// limit and the value; an empty cluster is `default`. Requests come without identity and origin. All functions are thread-safe.

absl::StatusOr<TopologyRequest> TopologyRequestOf(const topology::v1::ApplyRequest& request);
absl::StatusOr<TopologyRequest> TopologyRequestOf(const topology::v1::RollbackRequest& request);
absl::StatusOr<TopologyRequest> TopologyRequestOf(const topology::v1::DeleteRequest& request);

struct TopologySpec {
  std::string cluster;
  int64_t version = 0;  // 0: the newest.
};
absl::StatusOr<TopologySpec> TopologySpecOf(const topology::v1::GetRequest& request);
absl::StatusOr<TopologySpec> TopologySpecOf(const topology::v1::ListVersionsRequest& request);

// Of the newest version: what there is, then what comes.
absl::StatusOr<WatchSpec> TopologyWatchOf(const topology::v1::WatchRequest& request);

enum class Documents { kShown, kLeftOut };
void FillVersion(const MadeVersion& made, Documents documents, topology::v1::TopologyVersion* out);

// At most so many links are told of one change.
inline constexpr int kLinkChangesShownMax = 1'000;
void FillLinkChanges(const TopologyChange& change, topology::v1::LinkChanges* out);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_CONVERSION_H_

#ifndef SCOUTLIGHT_CLIENT_TOPOLOGY_H_
#define SCOUTLIGHT_CLIENT_TOPOLOGY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/connection.h"
#include "client/connection_options.h"
#include "client/store_state.h"
#include "client/topology_version.h"
#include "topology/topology.h"
#include "topology/topology_diff.h"

namespace scoutlight {

struct ChangeTopologyOptions {
  std::string cluster = "default";
  // The newest version must be this one; 0: any, or none.
  int64_t expected_version = 0;
  // Tells what would be, and changes nothing.
  bool validate_only = false;
  // Why, for people: at most topology::kCommentBytesMax bytes, without control characters.
  std::string comment = {};
  Timeout timeout = std::nullopt;
};
struct ChangeTopologyResult {
  // The newest version, without its document; with `validate_only` as it would be. nullopt: there never was one, or this was a repetition
  // of what is forgotten by now.
  std::optional<TopologyVersion> topology;
  bool unchanged = false;  // There was nothing to do: of Delete, no topology.
  bool replayed = false;   // A repetition found that an earlier try had done it. Then without `links`.
  // Those that are not as they were; if they are more than the server tells, `links_total` is greater.
  std::vector<topology::LinkChange> links;
  int links_total = 0;
  bool links_unknown = false;  // Nothing is told: the server cannot read what there was before.
  StoreState state;
};

struct GetTopologyOptions {
  std::string cluster = "default";
  int64_t version = 0;  // 0: the newest.
  Timeout timeout = std::nullopt;
};
struct GetTopologyResult {
  TopologyVersion topology;
  StoreState state;
};

struct ListTopologyVersionsResult {
  std::vector<TopologyVersion> versions;  // The newest first, without documents.
  StoreState state;
};

// Documents that say who is linked with whom, one for each cluster, with their history: for tools. A program with gates wants a
// TopologyWatch.
//
// Calls block, are repeated, and fail, as those of Registry; each change carries an id by which the server knows a repetition.
// kFailedPrecondition with Reason::kConditionFailed: `expected_version` is not the newest. kAborted with Reason::kContended: others kept
// changing it. kDataLoss: what is stored cannot be read by the server. Copies are the same. Thread-safe.
class Topologies {
 public:
  explicit Topologies(Connection connection);

  // Makes `document` (topology/topology_document.h) the newest version, unless it is just that. kInvalidArgument: every mistake by its
  // path in the document, as far as an error holds them; topology::ParseTopology tells all.
  absl::StatusOr<ChangeTopologyResult> Apply(std::string document, ChangeTopologyOptions options = {}) const;
  // Applies the document of an earlier version again. kNotFound with Reason::kKeyNotFound: it is not kept. kFailedPrecondition with
  // Reason::kConditionFailed: it is a deletion, or no valid document any more.
  absl::StatusOr<ChangeTopologyResult> Rollback(int64_t version, ChangeTopologyOptions options = {}) const;
  // From now on there is no topology; its versions stay.
  absl::StatusOr<ChangeTopologyResult> Delete(ChangeTopologyOptions options = {}) const;

  // kNotFound with Reason::kKeyNotFound: there is none, or the version is not kept. A deletion is only found by its version.
  absl::StatusOr<GetTopologyResult> Get(GetTopologyOptions options = {}) const;
  absl::StatusOr<ListTopologyVersionsResult> ListVersions(absl::string_view cluster = "default", Timeout timeout = std::nullopt) const;

 private:
  std::shared_ptr<client::Wire> wire_;
};

// What a cluster's topology has become.
struct TopologyUpdate {
  TopologyVersion version;
  // Its links. Without any if there is no topology (`version` 0) or it was deleted. Null: `status` says why not.
  std::shared_ptr<const topology::Topology> topology;
  // Why this version cannot be read: kInvalidArgument, its document breaks the rules that this library knows; kDataLoss, the server cannot
  // read it, and `version` is not known either. Who holds links of before keeps them best.
  absl::Status status;
  StoreId store_id;
};

// The newest topology of a cluster, and each one that comes while this lives: also through interruptions and restarts of the server, after
// which what has not changed is not told again. Callbacks come one at a time, on the connection's thread for callbacks; while one is slow,
// the server is held back, and of what comes meanwhile the newest is certain to be told. Has a stream of its own. Thread-safe.
//
//   scoutlight::TopologyWatch watch(connection, "default", [](const scoutlight::TopologyUpdate& update) { ... });
class TopologyWatch {
 public:
  using OnUpdate = std::function<void(const TopologyUpdate&)>;
  // Once: no update comes after. kInvalidArgument: the cluster's name; kPermissionDenied, kUnauthenticated; kUnimplemented: an older
  // server.
  using OnEnd = std::function<void(const absl::Status&)>;

  // Does not block. What is wrong comes as the end.
  TopologyWatch(Connection connection, absl::string_view cluster, OnUpdate on_update, OnEnd on_end = {});
  // No callback runs when it returns, but the one that calls it; waits for one that does. Does not wait for the server.
  ~TopologyWatch();
  TopologyWatch(const TopologyWatch&) = delete;
  TopologyWatch& operator=(const TopologyWatch&) = delete;

  // Why it stands still at the moment, though it goes on: kUnavailable while the server cannot be reached, kResourceExhausted while it has
  // no place for it, kDataLoss. OK: it does not.
  absl::Status trouble() const;

 private:
  struct Core;

  const std::shared_ptr<Core> core_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_TOPOLOGY_H_

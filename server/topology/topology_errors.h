#ifndef SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_ERRORS_H_
#define SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_ERRORS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/key.h"

// The errors of TopologyService, worded in one place. A topology stands where its record does.
namespace scoutlight::server {

// kNotFound: the cluster has none, or it was deleted.
absl::Status TopologyNotFound(absl::string_view cluster);
// kNotFound. `newest`: 0 if there is none.
absl::Status TopologyVersionNotFound(absl::string_view cluster, int64_t version, int64_t newest);
// kFailedPrecondition: `newest` is there instead of `expected`; 0: none.
absl::Status UnexpectedTopologyVersion(absl::string_view cluster, int64_t expected, int64_t newest);
// kFailedPrecondition: `version` cannot be applied again because of `why`.
absl::Status TopologyNotRestorable(absl::string_view cluster, int64_t version, absl::string_view why);
// kAborted.
absl::Status TopologyContended(absl::string_view cluster);
// kDataLoss: what is stored at `key` is not what this service stores. `what` goes on after the key.
absl::Status TopologyUnreadable(const Key& key, absl::string_view what);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_ERRORS_H_

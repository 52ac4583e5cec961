#include "server/topology/topology_errors.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "topology/topology_records.h"

namespace scoutlight::server {
namespace {

absl::Status Refused(absl::StatusCode code, Reason reason, const Key& key, absl::string_view message) {
  return MakeError(code, message, {.reason = reason, .resource = key.path()});
}

}  // namespace

absl::Status TopologyNotFound(absl::string_view cluster) {
  return Refused(absl::StatusCode::kNotFound, Reason::kKeyNotFound, topology::NewestKey(cluster),
                 absl::StrCat("cluster ", cluster, " has no topology"));
}

absl::Status TopologyVersionNotFound(absl::string_view cluster, int64_t version, int64_t newest) {
  std::string message = absl::StrCat("cluster ", cluster, " has no version ", version, " of its topology");
  if (newest > 0) absl::StrAppend(&message, ": the newest is ", newest, ", and the newest ", topology::kVersionsMax, " are kept");
  return Refused(absl::StatusCode::kNotFound, Reason::kKeyNotFound, topology::VersionKey(cluster, version), message);
}

absl::Status UnexpectedTopologyVersion(absl::string_view cluster, int64_t expected, int64_t newest) {
  const std::string fault =
      absl::StrCat("is ", expected, ", but ", newest == 0 ? "there is no topology" : absl::StrCat("the newest version is ", newest));
  ErrorDetails details{.reason = Reason::kConditionFailed, .violations = {{"expected_version", fault}}};
  details.resource = topology::NewestKey(cluster).path();
  details.metadata = {{"version", absl::StrCat(newest)}};
  return MakeError(absl::StatusCode::kFailedPrecondition, absl::StrCat("expected_version ", fault), details);
}

absl::Status TopologyNotRestorable(absl::string_view cluster, int64_t version, absl::string_view why) {
  return Refused(absl::StatusCode::kFailedPrecondition, Reason::kConditionFailed, topology::VersionKey(cluster, version),
                 absl::StrCat("version ", version, " of the topology of cluster ", cluster, " cannot be applied again: ", why));
}

absl::Status TopologyContended(absl::string_view cluster) {
  return Refused(
      absl::StatusCode::kAborted, Reason::kContended, topology::NewestKey(cluster),
      absl::StrCat("others kept changing the topology of cluster ", cluster, ", ", limits::kContendedTriesMax, " times in a row"));
}

absl::Status TopologyUnreadable(const Key& key, absl::string_view what) {
  return Refused(absl::StatusCode::kDataLoss, Reason::kDataCorrupted, key, absl::StrCat(key.path(), " ", what));
}

}  // namespace scoutlight::server

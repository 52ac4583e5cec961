#ifndef SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_READS_H_
#define SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_READS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/entry.h"
#include "storage/store.h"
#include "topology/topology_records.h"

// What the store has of topologies. None of these waits; `done` runs once, under no lock, never inside the call. All are thread-safe.
namespace scoutlight::server {

// A version, and at which revision it was made.
struct MadeVersion {
  topology::StoredVersion version;
  Revision revision = 0;
};

// What was found in one state.
template <typename T>
struct Found {
  absl::Status status;  // kDataLoss: it is there and cannot be read. Else the store's.
  Revision revision = 0;
  Revision oldest_revision = 0;
  T value = {};
};
template <typename T>
using FoundDone = absl::AnyInvocable<void(Found<T>) &&>;

// The newest version of `cluster` as of `at`; 0: of now. nullopt: it has none.
void ReadNewest(storage::Store* store, const std::string& cluster, Revision at, FoundDone<std::optional<MadeVersion>> done);
// Version `version` of now; nullopt: it is not kept.
void ReadVersion(storage::Store* store, const std::string& cluster, int64_t version, FoundDone<std::optional<MadeVersion>> done);
// All that are kept, the newest first, without documents.
void ReadVersions(storage::Store* store, const std::string& cluster, FoundDone<std::vector<MadeVersion>> done);

// What an entry at NewestKey() holds. kDataLoss, as above.
absl::StatusOr<MadeVersion> NewestIn(const Entry& entry);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_READS_H_

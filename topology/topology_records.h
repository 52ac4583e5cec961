#ifndef SCOUTLIGHT_TOPOLOGY_TOPOLOGY_RECORDS_H_
#define SCOUTLIGHT_TOPOLOGY_TOPOLOGY_RECORDS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/key.h"

// What is kept of topologies in the system tree, and where. Records are JSON texts on one line, so that people can read them.
//
//   /.scoutlight/topologies/{cluster}                      the newest version: record [LF document]
//   /.scoutlight/topologies/{cluster}/{version}            its record, the number in ten digits
//   /.scoutlight/topologies/{cluster}/{version}/document   its document, byte for byte as it was given
//
// A deletion is a version without a document. The newest is there twice, so that one key says all that a watcher wants. What has
// replaced a version is written in the same transaction, and the version behind the bound goes in it.
//
// A record has a `format`, 1 by now: one that only adds members keeps it, since members that are not known are left alone. All functions
// are thread-safe.
namespace scoutlight::topology {

inline constexpr int kRecordFormat = 1;
// So many versions of a cluster are kept, the newest too.
inline constexpr int kVersionsMax = 50;
inline constexpr size_t kCommentBytesMax = 256;

struct VersionRecord {
  int64_t version = 0;  // 1, 2, ...
  absl::Time applied_at;
  std::string applied_by;
  std::string comment;
  int64_t restored_version = 0;  // Whose document it has again; 0: it is its own.
  bool deleted = false;

  friend bool operator==(const VersionRecord&, const VersionRecord&) = default;
};

// A version with its document, as the newest one is stored.
struct StoredVersion {
  VersionRecord record;
  std::string document;  // Empty: a deletion.

  friend bool operator==(const StoredVersion&, const StoredVersion&) = default;
};

std::string EncodeRecord(const VersionRecord& record);
// kInvalidArgument with what is wrong, in words that go on after the key ("is of format 2, ...").
absl::StatusOr<VersionRecord> ParseRecord(absl::string_view text);

std::string EncodeNewest(const StoredVersion& version);
// As ParseRecord.
absl::StatusOr<StoredVersion> ParseNewest(absl::string_view text);

// `cluster` has passed discovery::ClusterFault.
Key NewestKey(absl::string_view cluster);
Key VersionKey(absl::string_view cluster, int64_t version);
Key DocumentKey(absl::string_view cluster, int64_t version);

}  // namespace scoutlight::topology

#endif  // SCOUTLIGHT_TOPOLOGY_TOPOLOGY_RECORDS_H_

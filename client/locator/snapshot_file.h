#ifndef SCOUTLIGHT_CLIENT_LOCATOR_SNAPSHOT_FILE_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_SNAPSHOT_FILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "discovery/service_snapshot.h"

namespace scoutlight::client {

// What a locator keeps on disk of one service.
struct SavedService {
  std::string service;
  discovery::SnapshotPtr snapshot;
  absl::Time current_at;  // When it was last told to be current.
};

struct SavedServices {
  std::string cluster;
  std::vector<SavedService> services;
};

inline constexpr size_t kSnapshotFileBytesMax = 256 * 1024 * 1024;

// The bytes of a file, format version 1:
//
//   file     = "SCOUTLOC" version checksum body
//   version  = u32, 1
//   checksum = u64, StableHash of body
//   body     = text:cluster u32:services *service
//   service  = text:name i64:current_at (nanoseconds since 1970) i64:revision u32:instances *instance
//   instance = text, a scoutlight.discovery.v1.Instance
//   text     = u32:bytes *byte
//
// Integers are little-endian. A reader of version 1 refuses others. kResourceExhausted: over kSnapshotFileBytesMax. Thread-safe.
absl::StatusOr<std::string> EncodeSnapshotFile(const SavedServices& saved);

// kDataLoss: it is damaged, or of another version; says what.
absl::StatusOr<SavedServices> DecodeSnapshotFile(absl::string_view bytes);

// Puts `bytes` in place of the file `path` by renaming a complete one, so that a reader finds the one or the other. `unique` tells writers
// of one file apart. kUnavailable: what the system refused; then the file is as it was. Waits for the disk.
absl::Status WriteSnapshotFile(const std::string& path, absl::string_view bytes, absl::string_view unique);

// kNotFound: there is none. kUnavailable, kResourceExhausted: it cannot be read, or is over twice kSnapshotFileBytesMax. Waits for the
// disk.
absl::StatusOr<std::string> ReadSnapshotFile(const std::string& path);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_SNAPSHOT_FILE_H_

#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_DATA_DIRECTORY_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_DATA_DIRECTORY_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/entry.h"
#include "storage/rocksdb/file_io.h"

namespace scoutlight::storage {

// The directory of one store, locked against other processes as long as this lives. Thread-safe.
//   identity = "scoutlight-store\n" "format " number "\n" "store_id " characters "\n"
class DataDirectory {
 public:
  // Makes the directory when missing (mode 0700) and locks it.
  // kFailedPrecondition: locked (names the process), not a directory, or it holds files that no store has put there.
  // kPermissionDenied: not writable. kResourceExhausted: no space.
  static absl::StatusOr<std::shared_ptr<DataDirectory>> Open(const std::string& path);

  // The store id in `identity`; nullopt: there is no such file, so nobody has been told of a write here.
  // kDataLoss: damaged. kFailedPrecondition: newer format.
  absl::StatusOr<std::optional<StoreId>> ReadIdentity() const;

  // Marks the store as complete, durably.
  absl::Status WriteIdentity(const StoreId& store_id) const;

  const std::string& path() const { return path_; }
  // Writes, syncs and removes a small file: whether the disk works. kUnavailable or kResourceExhausted: it does not.
  absl::Status Probe() const;

  std::string db_path() const { return path_ + "/db"; }
  std::string identity_path() const { return path_ + "/identity"; }
  std::string high_water_path() const { return path_ + "/high-water"; }
  // There while a backup is being loaded (restore.h).
  std::string restoring_path() const { return path_ + "/restoring"; }

 private:
  DataDirectory(std::string path, FileDescriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  const std::string path_;
  const FileDescriptor lock_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_DATA_DIRECTORY_H_

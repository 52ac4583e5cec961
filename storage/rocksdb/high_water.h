#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_HIGH_WATER_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_HIGH_WATER_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "storage/rocksdb/file_io.h"

namespace scoutlight::storage {

// The last revision known to be on disk, kept outside the database so that a database that has lost acknowledged writes (a WAL deleted,
// an old copy put back) is noticed: RocksDB opens such a one without a word. Exact after a crash of the process; at most as old as the
// last Sync() after a power cut. Thread-safe.
//
//   file = slot slot                                two sectors of 512 bytes, written in turn: one is always whole
//   slot = "SLHW", be32 format version, be64 revision, byte length of store_id, store_id, zeros up to 508 bytes, be32 CRC-32C of those
class HighWater {
 public:
  static constexpr absl::string_view kFileName = "high-water";

  struct Mark {
    StoreId store_id;
    Revision revision = 0;
  };

  // What the file says; nullopt: there is none. kDataLoss: no slot is whole. kFailedPrecondition: a newer format.
  static absl::StatusOr<std::optional<Mark>> Read(const std::string& path);

  // Opens the file in `directory` for recording, at `mark` or what the file says if that is later; makes it when missing.
  // `mark.store_id` has at most limits::kStoreIdBytesMax bytes.
  static absl::StatusOr<std::unique_ptr<HighWater>> Open(const std::string& directory, const Mark& mark);

  // Notes that `revision` is on disk; a lower one than noted changes nothing. A write to the system's cache: does not wait for the disk.
  absl::Status Record(Revision revision);

  Revision revision();
  const std::string& path() const { return path_; }

  // Waits until what was recorded is on disk. Nothing to do: returns at once.
  absl::Status Sync();

 private:
  HighWater(std::string path, FileDescriptor file, StoreId store_id);

  absl::Status WriteSlot(Revision revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  const FileDescriptor file_;
  const StoreId store_id_;
  Mutex mu_;
  Revision revision_ ABSL_GUARDED_BY(mu_) = 0;
  int next_slot_ ABSL_GUARDED_BY(mu_) = 0;
  bool synced_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_HIGH_WATER_H_

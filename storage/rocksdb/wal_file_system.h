#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_WAL_FILE_SYSTEM_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_WAL_FILE_SYSTEM_H_

#include <cstddef>
#include <memory>
#include <string>

#include "rocksdb/file_system.h"

namespace scoutlight::storage {

// A file system for RocksDB whose WAL files (*.log) are filled with zeros ahead of what is written to them: syncing a write over bytes that
// the file has already costs the disk one write, syncing one that makes the file grow two, because the new size has to be synced as well.
// All other files are those of the file system below. Thread-safe.
//
// Writing: when a sync finds that the file has grown, it puts kZerosAheadBytes of zeros behind the end, and syncs both. Without room for
// them the file goes on growing, and this is tried again later. A file that is closed loses its zeros; one that a crash has left keeps
// them.
//
// Reading: a file ends for its reader where its whole records end (wal_end.h), so that RocksDB, which takes a torn write over zeros for
// damage, does not get to see it. Damage is kCorruption, with file and offset, at the opening of the file; so is a torn write with records
// in a later file, because a later file is begun only when the earlier ones are synced. Nothing is changed by reading.
class WalFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  static constexpr size_t kZerosAheadBytes = 256 * 1024;

  explicit WalFileSystem(std::shared_ptr<rocksdb::FileSystem> below);

  const char* Name() const override { return "scoutlight.WalFileSystem"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file, rocksdb::IODebugContext* debug) override;

 private:
  // Whether a WAL file that was begun after `path` holds a record.
  rocksdb::IOStatus HasLaterRecords(const std::string& path, const rocksdb::FileOptions& options, bool* has) const;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_WAL_FILE_SYSTEM_H_

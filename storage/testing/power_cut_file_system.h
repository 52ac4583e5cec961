#ifndef SCOUTLIGHT_STORAGE_TESTING_POWER_CUT_FILE_SYSTEM_H_
#define SCOUTLIGHT_STORAGE_TESTING_POWER_CUT_FILE_SYSTEM_H_

#include <atomic>
#include <memory>
#include <string>

#include "rocksdb/file_system.h"

namespace scoutlight::storage {

// A file system for RocksDB on which killing the process does what a power cut does: what is appended to a file stays in the memory of
// this process until the file is synced, and is lost when the process ends or the file is closed before. Thread-safe.
//
// Names are not delayed: a file that was made, renamed or removed is so at once.
class PowerCutFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  // How syncing a file ends from now on.
  enum class Syncs {
    kWork,
    kFailAndLose,  // An error; the bytes are not in the file.
    kFailAndKeep,  // An error; the bytes are in the file: a caller cannot tell which.
  };

  // Over the machine's file system.
  PowerCutFileSystem();
  ~PowerCutFileSystem() override;

  void SetSyncs(Syncs syncs) { syncs_->store(syncs, std::memory_order_relaxed); }

  const char* Name() const override { return "scoutlight.PowerCutFileSystem"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file, rocksdb::IODebugContext* debug) override;

 private:
  // Shared with the files. Orders nothing: a test sets it between writes.
  const std::shared_ptr<std::atomic<Syncs>> syncs_ = std::make_shared<std::atomic<Syncs>>(Syncs::kWork);
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_POWER_CUT_FILE_SYSTEM_H_

#ifndef SCOUTLIGHT_STORAGE_TESTING_POWER_CUT_FILE_SYSTEM_H_
#define SCOUTLIGHT_STORAGE_TESTING_POWER_CUT_FILE_SYSTEM_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "rocksdb/file_system.h"

namespace scoutlight::storage {

// Which sectors of a write reach the disk before its sync: each by the toss of a coin. Thread-safe.
class TornSectors {
 public:
  explicit TornSectors(uint64_t seed) : random_(seed) {}

  bool Draw() {
    const MutexLock lock(&mu_);
    return (random_() & 1) != 0;
  }

 private:
  Mutex mu_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mu_);
};

// A file system for RocksDB on which killing the process does what a power cut does: what is written to a file stays in the memory of
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
  // Also tears writes: of what is written over bytes that a file has already, some sectors of 512 bytes are there after the cut, the others
  // are as before, which no write that makes a file grow can be.
  explicit PowerCutFileSystem(uint64_t torn_seed);
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
  const std::shared_ptr<TornSectors> torn_;  // Shared with the files; nullptr: none.
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_POWER_CUT_FILE_SYSTEM_H_

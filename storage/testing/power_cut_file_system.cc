#include "storage/testing/power_cut_file_system.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace scoutlight::storage {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using Syncs = PowerCutFileSystem::Syncs;

class UnsyncedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  // `bytes` are in the file already.
  UnsyncedFile(std::unique_ptr<rocksdb::FSWritableFile> file, uint64_t bytes, std::shared_ptr<const std::atomic<Syncs>> syncs)
      : FSWritableFileOwnerWrapper(std::move(file)), syncs_(std::move(syncs)), written_bytes_(bytes) {}

  IOStatus Append(const Slice& bytes, const IOOptions&, IODebugContext*) override {
    const MutexLock lock(&mu_);
    unsynced_.append(bytes.data(), bytes.size());
    return IOStatus::OK();
  }
  IOStatus Append(const Slice& bytes, const IOOptions& options, const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(bytes, options, debug);
  }
  // For direct input and output only, which nothing here uses.
  IOStatus PositionedAppend(const Slice&, uint64_t, const IOOptions&, IODebugContext*) override { return IOStatus::NotSupported(); }
  IOStatus PositionedAppend(const Slice&, uint64_t, const IOOptions&, const rocksdb::DataVerificationInfo&, IODebugContext*) override {
    return IOStatus::NotSupported();
  }

  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  // What it starts to write is durable only after a sync.
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    const MutexLock lock(&mu_);
    return WriteUnsynced(options, debug, [&] { return target()->Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    const MutexLock lock(&mu_);
    return WriteUnsynced(options, debug, [&] { return target()->Fsync(options, debug); });
  }
  bool IsSyncThreadSafe() const override { return true; }

  IOStatus Truncate(uint64_t bytes, const IOOptions& options, IODebugContext* debug) override {
    const MutexLock lock(&mu_);
    if (bytes >= written_bytes_) {
      unsynced_.resize(bytes - written_bytes_);
      return IOStatus::OK();
    }
    unsynced_.clear();
    written_bytes_ = bytes;
    return target()->Truncate(bytes, options, debug);
  }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
    const MutexLock lock(&mu_);
    return written_bytes_ + unsynced_.size();
  }

 private:
  template <typename SyncFile>
  IOStatus WriteUnsynced(const IOOptions& options, IODebugContext* debug, SyncFile sync) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const Syncs syncs = syncs_->load(std::memory_order_relaxed);
    if (syncs == Syncs::kFailAndLose) return IOStatus::IOError("a sync that a test lets fail");
    if (IOStatus status = target()->Append(unsynced_, options, debug); !status.ok()) return status;
    written_bytes_ += unsynced_.size();
    unsynced_.clear();
    IOStatus status = sync();
    if (syncs == Syncs::kFailAndKeep) return IOStatus::IOError("a sync that a test lets fail");
    return status;
  }

  const std::shared_ptr<const std::atomic<Syncs>> syncs_;
  Mutex mu_;
  std::string unsynced_ ABSL_GUARDED_BY(mu_);
  uint64_t written_bytes_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

PowerCutFileSystem::PowerCutFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

PowerCutFileSystem::~PowerCutFileSystem() = default;

IOStatus PowerCutFileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> real;
  if (IOStatus status = target()->NewWritableFile(path, options, &real, debug); !status.ok()) return status;
  *file = std::make_unique<UnsyncedFile>(std::move(real), 0, syncs_);
  return IOStatus::OK();
}

IOStatus PowerCutFileSystem::ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                                std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> real;
  if (IOStatus status = target()->ReopenWritableFile(path, options, &real, debug); !status.ok()) return status;
  uint64_t bytes = 0;
  if (IOStatus status = target()->GetFileSize(path, options.io_options, &bytes, debug); !status.ok()) return status;
  *file = std::make_unique<UnsyncedFile>(std::move(real), bytes, syncs_);
  return IOStatus::OK();
}

IOStatus PowerCutFileSystem::ReuseWritableFile(const std::string& path, const std::string& old_path, const rocksdb::FileOptions& options,
                                               std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  // As the default does: the old file's bytes are written over from its start.
  std::unique_ptr<rocksdb::FSWritableFile> real;
  if (IOStatus status = target()->ReuseWritableFile(path, old_path, options, &real, debug); !status.ok()) return status;
  *file = std::make_unique<UnsyncedFile>(std::move(real), 0, syncs_);
  return IOStatus::OK();
}

}  // namespace scoutlight::storage

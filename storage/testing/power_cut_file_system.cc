#include "storage/testing/power_cut_file_system.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace scoutlight::storage {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using Syncs = PowerCutFileSystem::Syncs;

constexpr uint64_t kSectorBytes = 512;

class UnsyncedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  // `bytes` are in the file already.
  UnsyncedFile(std::unique_ptr<rocksdb::FSWritableFile> file, uint64_t bytes, std::shared_ptr<const std::atomic<Syncs>> syncs,
               std::shared_ptr<TornSectors> torn)
      : FSWritableFileOwnerWrapper(std::move(file)),
        syncs_(std::move(syncs)),
        torn_(std::move(torn)),
        written_bytes_(bytes),
        bytes_(bytes) {}

  IOStatus Append(const Slice& bytes, const IOOptions& options, IODebugContext* debug) override {
    const MutexLock lock(&mu_);
    return Keep(bytes, bytes_, options, debug);
  }
  IOStatus Append(const Slice& bytes, const IOOptions& options, const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(bytes, options, debug);
  }
  IOStatus PositionedAppend(const Slice& bytes, uint64_t offset, const IOOptions& options, IODebugContext* debug) override {
    const MutexLock lock(&mu_);
    return Keep(bytes, offset, options, debug);
  }
  IOStatus PositionedAppend(const Slice& bytes, uint64_t offset, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                            IODebugContext* debug) override {
    return PositionedAppend(bytes, offset, options, debug);
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
    for (Write& write : unsynced_) write.bytes.resize(std::min<uint64_t>(write.bytes.size(), bytes - std::min(bytes, write.offset)));
    bytes_ = bytes;
    if (bytes >= written_bytes_) return IOStatus::OK();
    written_bytes_ = bytes;
    return target()->Truncate(bytes, options, debug);
  }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
    const MutexLock lock(&mu_);
    return bytes_;
  }

 private:
  struct Write {
    uint64_t offset = 0;
    std::string bytes;
  };

  IOStatus Keep(const Slice& bytes, uint64_t offset, const IOOptions& options, IODebugContext* debug) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (unsynced_.empty() || unsynced_.back().offset + unsynced_.back().bytes.size() != offset) unsynced_.push_back({offset, {}});
    unsynced_.back().bytes.append(bytes.data(), bytes.size());
    bytes_ = std::max(bytes_, offset + bytes.size());
    return torn_ == nullptr ? IOStatus::OK() : Tear(bytes, offset, options, debug);
  }

  // Some sectors of a write over bytes that are in the file already reach the disk at once, the others with the sync.
  IOStatus Tear(const Slice& bytes, uint64_t offset, const IOOptions& options, IODebugContext* debug) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const uint64_t end = std::min(offset + bytes.size(), written_bytes_);
    for (uint64_t at = offset; at < end;) {
      const uint64_t next = std::min(end, (at / kSectorBytes + 1) * kSectorBytes);
      if (torn_->Draw()) {
        const Slice sector(bytes.data() + (at - offset), next - at);
        if (IOStatus status = target()->PositionedAppend(sector, at, options, debug); !status.ok()) return status;
      }
      at = next;
    }
    return IOStatus::OK();
  }

  template <typename SyncFile>
  IOStatus WriteUnsynced(const IOOptions& options, IODebugContext* debug, SyncFile sync) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const Syncs syncs = syncs_->load(std::memory_order_relaxed);
    if (syncs == Syncs::kFailAndLose) return IOStatus::IOError("a sync that a test lets fail");
    for (const Write& write : unsynced_) {
      if (IOStatus status = target()->PositionedAppend(write.bytes, write.offset, options, debug); !status.ok()) return status;
    }
    unsynced_.clear();
    written_bytes_ = std::max(written_bytes_, bytes_);
    IOStatus status = sync();
    if (syncs == Syncs::kFailAndKeep) return IOStatus::IOError("a sync that a test lets fail");
    return status;
  }

  const std::shared_ptr<const std::atomic<Syncs>> syncs_;
  const std::shared_ptr<TornSectors> torn_;
  Mutex mu_;
  std::vector<Write> unsynced_ ABSL_GUARDED_BY(mu_);  // In the order of writing.
  uint64_t written_bytes_ ABSL_GUARDED_BY(mu_);       // In the file below.
  uint64_t bytes_ ABSL_GUARDED_BY(mu_);               // As the writer sees the file.
};

}  // namespace

PowerCutFileSystem::PowerCutFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

PowerCutFileSystem::PowerCutFileSystem(uint64_t torn_seed)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), torn_(std::make_shared<TornSectors>(torn_seed)) {}

PowerCutFileSystem::~PowerCutFileSystem() = default;

IOStatus PowerCutFileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> real;
  if (IOStatus status = target()->NewWritableFile(path, options, &real, debug); !status.ok()) return status;
  *file = std::make_unique<UnsyncedFile>(std::move(real), 0, syncs_, torn_);
  return IOStatus::OK();
}

IOStatus PowerCutFileSystem::ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                                std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> real;
  if (IOStatus status = target()->ReopenWritableFile(path, options, &real, debug); !status.ok()) return status;
  uint64_t bytes = 0;
  if (IOStatus status = target()->GetFileSize(path, options.io_options, &bytes, debug); !status.ok()) return status;
  *file = std::make_unique<UnsyncedFile>(std::move(real), bytes, syncs_, torn_);
  return IOStatus::OK();
}

IOStatus PowerCutFileSystem::ReuseWritableFile(const std::string& path, const std::string& old_path, const rocksdb::FileOptions& options,
                                               std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  // As the default does: the old file's bytes are written over from its start.
  std::unique_ptr<rocksdb::FSWritableFile> real;
  if (IOStatus status = target()->ReuseWritableFile(path, old_path, options, &real, debug); !status.ok()) return status;
  *file = std::make_unique<UnsyncedFile>(std::move(real), 0, syncs_, torn_);
  return IOStatus::OK();
}

}  // namespace scoutlight::storage

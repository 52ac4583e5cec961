#include "storage/rocksdb/wal_file_system.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "storage/rocksdb/wal_end.h"

namespace scoutlight::storage {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr size_t kZerosPieceBytes = 64 * 1024;
constexpr char kZeros[kZerosPieceBytes] = {};
constexpr size_t kHeaderBytes = 7;  // Of a record; without one that is not zeros, a file has none.

bool IsWal(const std::string& path) { return absl::EndsWith(path, ".log"); }

// The number in a WAL's name; they are given in the order of beginning.
uint64_t WalNumber(const std::string& path) { return std::strtoull(std::filesystem::path(path).filename().c_str(), nullptr, 10); }

class ZerosAheadFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  // `file` is empty.
  explicit ZerosAheadFile(std::unique_ptr<rocksdb::FSWritableFile> file) : FSWritableFileOwnerWrapper(std::move(file)) {}

  IOStatus Append(const Slice& bytes, const IOOptions& options, IODebugContext* debug) override {
    const MutexLock lock(&mu_);
    IOStatus status = target()->PositionedAppend(bytes, bytes_, options, debug);
    if (status.ok()) bytes_ += bytes.size();
    return status;
  }
  IOStatus Append(const Slice& bytes, const IOOptions& options, const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(bytes, options, debug);
  }

  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    FillAhead(options, debug);
    return target()->Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    FillAhead(options, debug);
    return target()->Fsync(options, debug);
  }

  IOStatus Truncate(uint64_t bytes, const IOOptions& options, IODebugContext* debug) override {
    const MutexLock lock(&mu_);
    IOStatus status = target()->Truncate(bytes, options, debug);
    if (status.ok()) bytes_ = filled_bytes_ = bytes;
    return status;
  }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
    const MutexLock lock(&mu_);
    return bytes_;
  }

  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    {
      const MutexLock lock(&mu_);
      // Zeros that stay do no harm.
      if (filled_bytes_ > bytes_) target()->Truncate(bytes_, options, debug).PermitUncheckedError();
    }
    return target()->Close(options, debug);
  }

 private:
  void FillAhead(const IOOptions& options, IODebugContext* debug) {
    const MutexLock lock(&mu_);
    if (bytes_ <= filled_bytes_) return;
    filled_bytes_ = bytes_ + WalFileSystem::kZerosAheadBytes;
    for (uint64_t at = bytes_; at < filled_bytes_; at += kZerosPieceBytes) {
      const Slice zeros(kZeros, std::min<uint64_t>(kZerosPieceBytes, filled_bytes_ - at));
      if (target()->PositionedAppend(zeros, at, options, debug).ok()) continue;
      // What was filled is room that a record may need elsewhere. The file grows until it is tried again behind `filled_bytes_`.
      target()->Truncate(bytes_, options, debug).PermitUncheckedError();
      return;
    }
  }

  Mutex mu_;
  uint64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t filled_bytes_ ABSL_GUARDED_BY(mu_) = 0;  // Nothing is filled in before the file is longer than this.
};

// A file that ends early.
class EndedFile final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  EndedFile(std::unique_ptr<rocksdb::FSSequentialFile> file, uint64_t bytes)
      : FSSequentialFileOwnerWrapper(std::move(file)), left_bytes_(bytes) {}

  IOStatus Read(size_t bytes, const IOOptions& options, Slice* result, char* scratch, IODebugContext* debug) override {
    IOStatus status = target()->Read(std::min<uint64_t>(bytes, left_bytes_), options, result, scratch, debug);
    if (status.ok()) left_bytes_ -= result->size();
    return status;
  }
  IOStatus Skip(uint64_t bytes) override {
    bytes = std::min(bytes, left_bytes_);
    left_bytes_ -= bytes;
    return target()->Skip(bytes);
  }
  // For direct input only, which nothing here uses.
  IOStatus PositionedRead(uint64_t, size_t, const IOOptions&, Slice*, char*, IODebugContext*) override { return IOStatus::NotSupported(); }

 private:
  uint64_t left_bytes_;  // A sequential file has one user at a time.
};

}  // namespace

WalFileSystem::WalFileSystem(std::shared_ptr<rocksdb::FileSystem> below) : FileSystemWrapper(std::move(below)) {}

IOStatus WalFileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  if (!IsWal(path)) return target()->NewWritableFile(path, options, file, debug);
  std::unique_ptr<rocksdb::FSWritableFile> below;
  if (IOStatus status = target()->NewWritableFile(path, options, &below, debug); !status.ok()) return status;
  *file = std::make_unique<ZerosAheadFile>(std::move(below));
  return IOStatus::OK();
}

IOStatus WalFileSystem::NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext* debug) {
  if (!IsWal(path)) return target()->NewSequentialFile(path, options, file, debug);
  std::unique_ptr<rocksdb::FSSequentialFile> below;
  if (IOStatus status = target()->NewSequentialFile(path, options, &below, debug); !status.ok()) return status;
  WalEnd end;
  if (IOStatus status = FindWalEnd(*below, &end); !status.ok()) return status;
  bool damaged = end.rest == WalEnd::Rest::kDamaged;
  if (end.rest == WalEnd::Rest::kTorn) {
    if (IOStatus status = HasLaterRecords(path, options, &damaged); !status.ok()) return status;
  }
  if (damaged) return IOStatus::Corruption(path, absl::StrCat("the record at byte ", end.fault, " is damaged, and is no torn last write"));
  if (IOStatus status = target()->NewSequentialFile(path, options, &below, debug); !status.ok()) return status;
  *file = std::make_unique<EndedFile>(std::move(below), end.bytes);
  return IOStatus::OK();
}

IOStatus WalFileSystem::HasLaterRecords(const std::string& path, const rocksdb::FileOptions& options, bool* has) const {
  const std::string folder = std::filesystem::path(path).parent_path();
  std::vector<std::string> names;
  if (IOStatus status = target()->GetChildren(folder, options.io_options, &names, nullptr); !status.ok()) return status;
  *has = false;
  for (const std::string& name : names) {
    if (!IsWal(name) || WalNumber(name) <= WalNumber(path)) continue;
    std::unique_ptr<rocksdb::FSSequentialFile> later;
    IOStatus status = target()->NewSequentialFile(absl::StrCat(folder, "/", name), options, &later, nullptr);
    if (!status.ok()) return status;
    char scratch[kHeaderBytes];
    Slice header;
    status = later->Read(kHeaderBytes, options.io_options, &header, scratch, nullptr);
    if (!status.ok()) return status;
    *has = *has || header != Slice(kZeros, header.size());
  }
  return IOStatus::OK();
}

}  // namespace scoutlight::storage

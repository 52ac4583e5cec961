#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_FILE_IO_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_FILE_IO_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Small files beside the database. All block. Errors name the path: kPermissionDenied (EACCES, EPERM, EROFS), kResourceExhausted with
// Reason::kDiskFull, else kUnavailable.
namespace scoutlight::storage {

// Owns a file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// The error of the last system call: "cannot `doing` `path`: ...".
absl::Status ErrnoStatus(absl::string_view doing, absl::string_view path);

// Opens with `flags` of open(2), closed on exec, mode 0600.
absl::StatusOr<FileDescriptor> OpenFile(const std::string& path, int flags);

// The first `bytes_max` bytes of a file; nullopt: there is no such file.
absl::StatusOr<std::optional<std::string>> ReadFile(const std::string& path, size_t bytes_max);

absl::Status WriteAt(const FileDescriptor& file, const std::string& path, size_t offset, absl::string_view bytes);

// Makes names in a directory durable.
absl::Status SyncDirectory(const std::string& path);

// Makes or replaces a file so that after a crash it is there whole, as before, or not at all.
absl::Status ReplaceFile(const std::string& directory, const std::string& name, absl::string_view bytes);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_FILE_IO_H_

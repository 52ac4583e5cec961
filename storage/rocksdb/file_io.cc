#include "storage/rocksdb/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace scoutlight::storage {

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

absl::Status ErrnoStatus(absl::string_view doing, absl::string_view path) {
  const int error = errno;
  const std::string message = absl::StrCat("cannot ", doing, " ", path, ": ", std::system_category().message(error));
  ErrorDetails details;
  if (error == EACCES || error == EPERM || error == EROFS) {
    details.reason = Reason::kNotAllowed;
    return MakeError(absl::StatusCode::kPermissionDenied, message, details);
  }
  if (error == ENOSPC || error == EDQUOT) {
    details.reason = Reason::kDiskFull;
    return MakeError(absl::StatusCode::kResourceExhausted, message, details);
  }
  details.reason = Reason::kBackendUnavailable;
  return MakeError(absl::StatusCode::kUnavailable, message, details);
}

absl::StatusOr<FileDescriptor> OpenFile(const std::string& path, int flags) {
  constexpr mode_t kOwnerOnly = 0600;
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, kOwnerOnly);
  if (fd < 0) return ErrnoStatus("open", path);
  return FileDescriptor(fd);
}

absl::StatusOr<std::optional<std::string>> ReadFile(const std::string& path, size_t bytes_max) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) return std::optional<std::string>();
    return ErrnoStatus("open", path);
  }
  std::string bytes(bytes_max, '\0');
  size_t read = 0;
  while (read < bytes_max) {
    const ssize_t n = ::pread(file.get(), bytes.data() + read, bytes_max - read, static_cast<off_t>(read));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus("read", path);
    if (n == 0) break;
    read += static_cast<size_t>(n);
  }
  bytes.resize(read);
  return std::optional<std::string>(std::move(bytes));
}

absl::Status WriteAt(const FileDescriptor& file, const std::string& path, size_t offset, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus("write", path);
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<size_t>(n);
  }
  return absl::OkStatus();
}

absl::Status SyncDirectory(const std::string& path) {
  const absl::StatusOr<FileDescriptor> directory = OpenFile(path, O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) return directory.status();
  if (::fsync(directory->get()) != 0) return ErrnoStatus("sync", path);
  return absl::OkStatus();
}

absl::Status ReplaceFile(const std::string& directory, const std::string& name, absl::string_view bytes) {
  const std::string path = absl::StrCat(directory, "/", name);
  const std::string temporary = absl::StrCat(path, ".new");
  const absl::StatusOr<FileDescriptor> file = OpenFile(temporary, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.ok()) return file.status();
  if (const absl::Status status = WriteAt(*file, temporary, 0, bytes); !status.ok()) return status;
  if (::fsync(file->get()) != 0) return ErrnoStatus("sync", temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return ErrnoStatus("rename to", path);
  return SyncDirectory(directory);
}

}  // namespace scoutlight::storage

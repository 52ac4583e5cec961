#include "cli/new_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace scoutlight::cli {
namespace {

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

absl::StatusOr<NewFile> NewFile::Create(std::string path) {
  std::string partial = absl::StrCat(path, ".partial-XXXXXX");
  const int file = mkostemp(partial.data(), O_CLOEXEC);
  if (file < 0) return absl::UnknownError(absl::StrCat("cannot make ", path, ": ", strerror(errno)));
  return NewFile(std::move(path), std::move(partial), file);
}

NewFile::NewFile(std::string path, std::string partial, int file) : path_(std::move(path)), partial_(std::move(partial)), file_(file) {}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)), partial_(std::exchange(other.partial_, "")), file_(std::exchange(other.file_, -1)) {}

NewFile::~NewFile() {
  if (file_ >= 0) close(file_);
  if (!partial_.empty()) unlink(partial_.c_str());
}

absl::Status NewFile::SystemError(absl::string_view what) const {
  return absl::UnknownError(absl::StrCat("cannot ", what, " ", path_, ": ", strerror(errno)));
}

absl::Status NewFile::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("write");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status NewFile::Keep() {
  if (fsync(file_) != 0) return SystemError("write");
  if (close(std::exchange(file_, -1)) != 0) return SystemError("write");
  if (rename(partial_.c_str(), path_.c_str()) != 0) return SystemError("put in place");
  partial_.clear();
  const int folder = open(FolderOf(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return SystemError("sync the folder of");
  const int failed = fsync(folder);
  const absl::Status done = failed == 0 ? absl::OkStatus() : SystemError("sync the folder of");
  close(folder);
  return done;
}

}  // namespace scoutlight::cli

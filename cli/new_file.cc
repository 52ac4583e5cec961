#include "cli/new_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace scoutlight::cli {
namespace {

constexpr mode_t kMode = 0600;
// So often it is opened anew because another process that had it has ended just then.
constexpr int kTriesMax = 10;

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Where `path` leads: what is renamed to a link, or to a device, would be in its place.
absl::StatusOr<std::string> PlaceOf(const std::string& path) {
  const auto wrong = [&path](absl::string_view fault) { return InvalidField(Reason::kInvalidField, path, fault); };
  struct stat there;
  if (lstat(path.c_str(), &there) != 0) return path;
  if (!S_ISLNK(there.st_mode)) return S_ISREG(there.st_mode) ? absl::StatusOr<std::string>(path) : wrong("is there, and is no file");
  char* const resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return wrong(absl::StrCat("is a link that leads nowhere: ", strerror(errno)));
  const std::string place = resolved;
  free(resolved);
  return stat(place.c_str(), &there) == 0 && S_ISREG(there.st_mode) ? absl::StatusOr<std::string>(place)
                                                                    : wrong(absl::StrCat("is a link to ", place, ", which is no file"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<NewFile>> NewFile::Create(const std::string& path) {
  const absl::StatusOr<std::string> place = PlaceOf(path);
  if (!place.ok()) return place.status();
  const std::string partial = absl::StrCat(*place, ".partial");
  for (int i = 0; i < kTriesMax; ++i) {
    // Neither followed, if it is a link, nor waited for.
    constexpr int kFlags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int file = open(partial.c_str(), kFlags | O_CREAT | O_EXCL, kMode);
    const Found found = file < 0 && errno == EEXIST ? Found::kThere : Found::kNothing;
    if (found == Found::kThere) file = open(partial.c_str(), kFlags);
    if (file < 0 && found == Found::kThere && errno == ENOENT) continue;
    if (file < 0) return absl::UnknownError(absl::StrCat("cannot make ", partial, ": ", strerror(errno)));
    std::unique_ptr<NewFile> made(new NewFile(*place, partial, file));
    const absl::StatusOr<bool> owns = made->Own(found);
    if (!owns.ok()) return owns.status();
    if (*owns) return made;
  }
  return absl::AbortedError(absl::StrCat("others write ", partial, " all the time"));
}

NewFile::NewFile(std::string path, std::string partial, int file) : path_(std::move(path)), partial_(std::move(partial)), file_(file) {}

NewFile::~NewFile() {
  // Before the lock goes, or it might be another one's by then.
  Discard();
  // Nothing to tell: what is kept is synced.
  close(file_);
}

absl::StatusOr<bool> NewFile::Own(Found found) {
  struct stat opened;
  if (fstat(file_, &opened) != 0) return SystemError("make");
  // What anybody else may read, or has put there, is not to get it. One that was made here has the owner that its file system gives it.
  const bool is_ours = found == Found::kNothing || opened.st_uid == geteuid();
  if (!S_ISREG(opened.st_mode) || !is_ours || opened.st_nlink > 1) {
    return absl::FailedPreconditionError(absl::StrCat(partial_, " is there, and is not of this program"));
  }
  // Some file systems have no locks: then it is as if nobody else wrote there.
  if (flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return absl::FailedPreconditionError(absl::StrCat("another process is writing ", partial_));
  }
  struct stat there;
  if (lstat(partial_.c_str(), &there) != 0 || there.st_dev != opened.st_dev || there.st_ino != opened.st_ino) return false;
  {
    const MutexLock lock(&mu_);
    is_there_ = true;
  }
  if (ftruncate(file_, 0) != 0) return SystemError("make");
  if (found == Found::kThere && fchmod(file_, kMode) != 0) return SystemError("make");
  return true;
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
  {
    const MutexLock lock(&mu_);
    if (!is_there_) return absl::CancelledError(absl::StrCat(path_, " was discarded"));
    if (rename(partial_.c_str(), path_.c_str()) != 0) return SystemError("put in place");
    is_there_ = false;
  }
  const int folder = open(FolderOf(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return SystemError("sync the folder of");
  const int failed = fsync(folder);
  const absl::Status done = failed == 0 ? absl::OkStatus() : SystemError("sync the folder of");
  close(folder);
  return done;
}

void NewFile::Discard() {
  const MutexLock lock(&mu_);
  if (std::exchange(is_there_, false)) unlink(partial_.c_str());
}

}  // namespace scoutlight::cli

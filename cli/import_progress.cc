#include "cli/import_progress.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "cli/input.h"
#include "cli/record.h"

namespace scoutlight::cli {
namespace {

constexpr size_t kProgressBytesMax = 4096;

std::string PathOf(const std::string& file) { return absl::StrCat(file, ".imported"); }

absl::Status SystemError(absl::string_view what, const std::string& path) {
  return absl::UnknownError(absl::StrCat("cannot ", what, " ", path, ": ", strerror(errno)));
}

int64_t Number(const Json& json, const char* name) {
  const Json value = json.value(name, Json());
  return value.is_number_integer() ? value.get<int64_t>() : -1;
}

}  // namespace

absl::StatusOr<ImportProgress> BeginImport(const std::string& file) {
  struct stat found;
  if (stat(file.c_str(), &found) != 0) {
    return InvalidField(Reason::kInvalidField, "FILE", absl::StrCat("cannot be read: ", file, ": ", strerror(errno)));
  }
  ImportProgress progress;
  progress.file_bytes = found.st_size;
  progress.file_modified_ns = int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec;
  return progress;
}

absl::StatusOr<ImportProgress> ResumeImport(const std::string& file) {
  const absl::StatusOr<ImportProgress> now = BeginImport(file);
  if (!now.ok()) return now.status();
  const std::string path = PathOf(file);
  if (access(path.c_str(), F_OK) != 0) {
    return absl::NotFoundError(absl::StrCat("there is no ", path, ": nothing was begun, or it has come to its end"));
  }
  const absl::StatusOr<std::string> text = ReadFile(path, kProgressBytesMax);
  const Json json = text.ok() ? Json::parse(*text, nullptr, /*allow_exceptions=*/false) : Json();
  if (!json.is_object() || !json.value("store_id", Json()).is_string()) {
    return absl::FailedPreconditionError(absl::StrCat(path, " cannot be read: import without --resume"));
  }
  const ImportProgress kept{.lines = Number(json, "lines"),
                            .bytes = Number(json, "bytes"),
                            .entries = Number(json, "entries"),
                            .store_id = json["store_id"].get<std::string>(),
                            .is_export = json.value("is_export", Json()) == true,
                            .file_bytes = Number(json, "file_bytes"),
                            .file_modified_ns = Number(json, "file_modified_ns")};
  if (kept.lines < 0 || kept.bytes < 0 || kept.entries < 0 || kept.bytes > kept.file_bytes) {
    return absl::FailedPreconditionError(absl::StrCat(path, " cannot be read: import without --resume"));
  }
  if (kept.file_bytes != now->file_bytes || kept.file_modified_ns != now->file_modified_ns) {
    return absl::FailedPreconditionError(absl::StrCat(file, " has changed since a part of it was imported: import without --resume"));
  }
  return kept;
}

absl::Status KeepProgress(const std::string& file, const ImportProgress& progress) {
  const Json json = {{"lines", progress.lines},
                     {"bytes", progress.bytes},
                     {"entries", progress.entries},
                     {"store_id", progress.store_id},
                     {"is_export", progress.is_export},
                     {"file_bytes", progress.file_bytes},
                     {"file_modified_ns", progress.file_modified_ns}};
  const std::string text = absl::StrCat(json.dump(), "\n");
  const std::string path = PathOf(file);
  const std::string next = absl::StrCat(path, ".next");
  const int written = open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (written < 0) return SystemError("write", next);
  const bool complete = write(written, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  // After a power cut it may be missing, and the import begins anew: puts again what is there already.
  if (close(written) != 0 || !complete) return SystemError("write", next);
  return rename(next.c_str(), path.c_str()) == 0 ? absl::OkStatus() : SystemError("write", path);
}

absl::Status ForgetProgress(const std::string& file) {
  const std::string path = PathOf(file);
  return unlink(path.c_str()) == 0 || errno == ENOENT ? absl::OkStatus() : SystemError("remove", path);
}

}  // namespace scoutlight::cli

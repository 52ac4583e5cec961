#include "storage/rocksdb/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/local/layout.h"

namespace scoutlight::storage {
namespace {

constexpr absl::string_view kMagicLine = "scoutlight-store";
constexpr size_t kSmallFileBytesMax = 4096;

absl::Status MakeDirectory(const std::string& path) {
  constexpr mode_t kOwnerOnly = 0700;
  if (::mkdir(path.c_str(), kOwnerOnly) == 0) {
    const std::string parent = std::filesystem::absolute(path).parent_path().string();
    return SyncDirectory(parent);
  }
  if (errno != EEXIST) return ErrnoStatus("make the data directory", path);
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return ErrnoStatus("look at", path);
  if (!S_ISDIR(facts.st_mode)) return absl::FailedPreconditionError(absl::StrCat("the data directory ", path, " is not a directory"));
  return absl::OkStatus();
}

// A database beside which there was never a LOCK was not made by us: it is not ours to write into or to remove.
absl::Status RefuseForeignDatabase(const std::string& path) {
  struct stat facts {};
  const auto exists = [&facts](const std::string& file) { return ::stat(file.c_str(), &facts) == 0; };
  if (!exists(path + "/db") || exists(path + "/LOCK") || exists(path + "/identity")) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(path, "/db is there, but ", path, "/LOCK and ", path,
                                                    "/identity are not: it is not ScoutLight's. Name another directory"));
}

absl::StatusOr<FileDescriptor> Lock(const std::string& path) {
  absl::StatusOr<FileDescriptor> file = OpenFile(path, O_RDWR | O_CREAT);
  if (!file.ok()) return file.status();
  if (::flock(file->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus("lock", path);
    const absl::StatusOr<std::optional<std::string>> holder = ReadFile(path, kSmallFileBytesMax);
    const std::string pid(absl::StripAsciiWhitespace(holder.ok() ? holder->value_or("") : ""));
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is held by process ", pid.empty() ? "(unknown)" : pid, ": another server uses this data directory"));
  }
  if (::ftruncate(file->get(), 0) != 0) return ErrnoStatus("write", path);
  if (const absl::Status status = WriteAt(*file, path, 0, absl::StrCat(::getpid(), "\n")); !status.ok()) return status;
  return file;
}

}  // namespace

absl::StatusOr<std::shared_ptr<DataDirectory>> DataDirectory::Open(const std::string& path) {
  if (path.empty()) return absl::FailedPreconditionError("the data directory has no name");
  if (const absl::Status status = MakeDirectory(path); !status.ok()) return status;
  if (const absl::Status status = RefuseForeignDatabase(path); !status.ok()) return status;
  absl::StatusOr<FileDescriptor> lock = Lock(path + "/LOCK");
  if (!lock.ok()) return lock.status();
  return std::shared_ptr<DataDirectory>(new DataDirectory(path, *std::move(lock)));
}

absl::StatusOr<std::optional<StoreId>> DataDirectory::ReadIdentity() const {
  const absl::StatusOr<std::optional<std::string>> text = ReadFile(identity_path(), kSmallFileBytesMax);
  if (!text.ok()) return text.status();
  if (!text->has_value()) return std::optional<StoreId>();
  const std::vector<absl::string_view> lines = absl::StrSplit(**text, '\n');
  absl::string_view format = lines.size() > 1 ? lines[1] : "";
  absl::string_view store_id = lines.size() > 2 ? lines[2] : "";
  uint32_t version = 0;
  const bool readable = lines[0] == kMagicLine && absl::ConsumePrefix(&format, "format ") && absl::SimpleAtoi(format, &version);
  if (readable && version > layout::kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(identity_path(), " says format version ", version,
                                                      ", this server reads up to version ", layout::kFormatVersion,
                                                      "; start a newer server on this data directory"));
  }
  if (!readable || !absl::ConsumePrefix(&store_id, "store_id ") || store_id.empty() || store_id.size() > limits::kStoreIdBytesMax) {
    ErrorDetails details;
    details.reason = Reason::kDataCorrupted;
    return MakeError(
        absl::StatusCode::kDataLoss,
        absl::StrCat(identity_path(), " is damaged: it does not hold a format version and a store id. Restore it from a backup"), details);
  }
  return std::optional<StoreId>(store_id);
}

absl::Status DataDirectory::WriteIdentity(const StoreId& store_id) const {
  return ReplaceFile(path_, "identity", absl::StrCat(kMagicLine, "\nformat ", layout::kFormatVersion, "\nstore_id ", store_id, "\n"));
}

absl::Status DataDirectory::Probe() const {
  constexpr size_t kProbeBytes = 4096;  // A block, so that it needs room.
  const std::string name = "probe";
  const absl::Status status = ReplaceFile(path_, name, std::string(kProbeBytes, 'p'));
  ::unlink((path_ + "/" + name).c_str());
  return status;
}

}  // namespace scoutlight::storage

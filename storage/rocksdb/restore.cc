#include "storage/rocksdb/restore.h"

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "storage/local/engine.h"
#include "storage/local/load_backup.h"
#include "storage/rocksdb/data_directory.h"
#include "storage/rocksdb/file_io.h"

namespace scoutlight::storage {
namespace {

namespace fs = std::filesystem;

absl::Status FileError(absl::string_view doing, const std::string& path, const std::error_code& error) {
  return absl::UnavailableError(absl::StrCat("cannot ", doing, " ", path, ": ", error.message()));
}

absl::Status Remove(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? FileError("remove", path, error) : absl::OkStatus();
}

absl::Status Move(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  return error ? FileError(absl::StrCat("move ", from, " to"), to, error) : absl::OkStatus();
}

// Whether a store may be made there; removes what an earlier try has left.
absl::Status MakeRoom(const DataDirectory& directory) {
  const absl::StatusOr<std::optional<StoreId>> identity = directory.ReadIdentity();
  if (!identity.ok()) return identity.status();
  std::error_code error;
  const bool unfinished = fs::exists(directory.restoring_path(), error);
  if (identity->has_value() || (!unfinished && fs::exists(directory.db_path(), error))) {
    return absl::FailedPreconditionError(absl::StrCat(
        "a store is in ", directory.path(), " already: a backup is restored into a directory without one. Name another with --data-dir"));
  }
  if (!unfinished) return absl::OkStatus();
  for (const std::string& path : {directory.db_path(), directory.high_water_path(), directory.restoring_path()}) {
    if (absl::Status failed = Remove(path); !failed.ok()) return failed;
  }
  return SyncDirectory(directory.path());
}

absl::Status Load(RocksdbEngineOptions options, std::string data_dir, BackupReader* reader) {
  options.data_dir = std::move(data_dir);
  absl::StatusOr<std::unique_ptr<Engine>> engine = OpenRocksdbEngine(std::move(options));
  if (!engine.ok()) return engine.status();
  if (absl::Status failed = LoadBackup(reader, engine->get()); !failed.ok()) return failed;
  (*engine)->SyncHighWater();
  return absl::OkStatus();
}

// The identity last: with it the store is complete.
absl::Status MoveIntoPlace(const DataDirectory& directory) {
  const std::string from = directory.restoring_path();
  if (absl::Status failed = Move(from + "/db", directory.db_path()); !failed.ok()) return failed;
  if (absl::Status failed = Move(from + "/high-water", directory.high_water_path()); !failed.ok()) return failed;
  if (absl::Status failed = SyncDirectory(directory.path()); !failed.ok()) return failed;
  if (absl::Status failed = Move(from + "/identity", directory.identity_path()); !failed.ok()) return failed;
  if (absl::Status failed = SyncDirectory(directory.path()); !failed.ok()) return failed;
  return Remove(from);
}

}  // namespace

absl::Status RestoreRocksdb(const RocksdbEngineOptions& options, BackupReader* reader) {
  const absl::StatusOr<std::shared_ptr<DataDirectory>> directory = DataDirectory::Open(options.data_dir);
  if (!directory.ok()) return directory.status();
  if (absl::Status taken = MakeRoom(**directory); !taken.ok()) return taken;
  if (absl::Status failed = Load(options, (*directory)->restoring_path(), reader); !failed.ok()) {
    // What is wrong with the backup matters more than that a folder is left.
    const absl::Status removed = Remove((*directory)->restoring_path());
    return removed.ok() ? failed
                        : MakeError(failed.code(), absl::StrCat(failed.message(), "; ", removed.message()),
                                    DetailsOf(failed).value_or(ErrorDetails()));
  }
  return MoveIntoPlace(**directory);
}

}  // namespace scoutlight::storage

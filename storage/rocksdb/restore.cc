#include "storage/rocksdb/restore.h"

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
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

absl::StatusOr<bool> Exists(const std::string& path) {
  std::error_code error;
  const bool exists = fs::exists(path, error);
  if (error) return FileError("look at", path, error);
  return exists;
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

void Log(const RocksdbEngineOptions& options, const absl::Status& status) {
  if (options.log) options.log('w', status.message());
}

// Whether a store may be made there; removes what an earlier try has left.
absl::Status MakeRoom(const DataDirectory& directory) {
  const absl::StatusOr<std::optional<StoreId>> identity = directory.ReadIdentity();
  if (!identity.ok()) return identity.status();
  const absl::StatusOr<bool> unfinished = Exists(directory.restoring_path());
  if (!unfinished.ok()) return unfinished.status();
  const absl::StatusOr<bool> database = Exists(directory.db_path());
  if (!database.ok()) return database.status();
  // The one of a restore that did not end has its identity still there.
  const absl::StatusOr<bool> ours = Exists(directory.restoring_path() + "/identity");
  if (!ours.ok()) return ours.status();
  if (identity->has_value() || (*database && !*ours)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "a store is in ", directory.path(),
        " already, and a backup is restored only where none is: start without --restore to serve it, or name another directory"));
  }
  if (!*unfinished) return absl::OkStatus();
  for (const std::string& path : {directory.db_path(), directory.high_water_path()}) {
    if (absl::Status failed = Remove(path); !failed.ok()) return failed;
  }
  // Last, so that what is left meanwhile is known for what it is.
  if (absl::Status failed = SyncDirectory(directory.path()); !failed.ok()) return failed;
  if (absl::Status failed = Remove(directory.restoring_path()); !failed.ok()) return failed;
  return SyncDirectory(directory.path());
}

absl::StatusOr<backup::Header> Load(RocksdbEngineOptions options, std::string data_dir, BackupReader* reader) {
  options.data_dir = std::move(data_dir);
  absl::StatusOr<std::unique_ptr<Engine>> engine = OpenRocksdbEngine(std::move(options));
  if (!engine.ok()) return engine.status();
  absl::StatusOr<backup::Header> header = LoadBackup(reader, engine->get());
  if (header.ok()) (*engine)->SyncHighWater();
  return header;
}

// The identity last: with it the store is complete.
absl::Status MoveIntoPlace(const DataDirectory& directory) {
  const std::string from = directory.restoring_path();
  if (absl::Status failed = Move(from + "/db", directory.db_path()); !failed.ok()) return failed;
  if (absl::Status failed = Move(from + "/high-water", directory.high_water_path()); !failed.ok()) return failed;
  if (absl::Status failed = SyncDirectory(directory.path()); !failed.ok()) return failed;
  if (absl::Status failed = Move(from + "/identity", directory.identity_path()); !failed.ok()) return failed;
  return SyncDirectory(directory.path());
}

}  // namespace

absl::StatusOr<backup::Header> RestoreRocksdb(const RocksdbEngineOptions& options, BackupReader* reader) {
  const absl::StatusOr<std::shared_ptr<DataDirectory>> directory = DataDirectory::Open(options.data_dir);
  if (!directory.ok()) return directory.status();
  if (absl::Status taken = MakeRoom(**directory); !taken.ok()) return taken;
  const std::string restoring = (*directory)->restoring_path();
  absl::StatusOr<backup::Header> header = Load(options, restoring, reader);
  if (!header.ok()) {
    // What is wrong with the backup matters more than that a folder is left.
    if (const absl::Status removed = Remove(restoring); !removed.ok()) Log(options, removed);
    return header;
  }
  if (absl::Status failed = MoveIntoPlace(**directory); !failed.ok()) return failed;
  // The store is whole; opening it removes the folder if this does not.
  if (const absl::Status removed = Remove(restoring); !removed.ok()) Log(options, removed);
  return header;
}

}  // namespace scoutlight::storage

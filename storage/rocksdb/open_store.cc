#include "storage/rocksdb/open_store.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/local/layout.h"
#include "storage/local/new_store.h"
#include "storage/rocksdb/rocksdb_status.h"
#include "storage/rocksdb/rocksdb_write_set.h"

namespace scoutlight::storage {
namespace {

absl::Status DataLoss(absl::string_view message) {
  ErrorDetails details;
  details.reason = Reason::kDataCorrupted;
  return MakeError(absl::StatusCode::kDataLoss, message, details);
}

struct Meta {
  StoreId store_id;
  Revision revision = 0;
  Revision oldest = 0;
};

absl::StatusOr<std::optional<std::string>> GetMeta(const Database& database, absl::string_view name) {
  std::string value;
  const rocksdb::Status status =
      database.db().Get(rocksdb::ReadOptions(), database.table(Table::kMeta), rocksdb::Slice(name.data(), name.size()), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return ToStatus(status, "reading the table meta");
  return std::optional<std::string>(std::move(value));
}

// nullopt: the table is empty. kDataLoss: something is missing or wrong. kFailedPrecondition: a newer format.
absl::StatusOr<std::optional<Meta>> ReadMeta(const Database& database, const std::string& db_path) {
  const auto format = GetMeta(database, layout::kMetaFormat);
  const auto store_id = GetMeta(database, layout::kMetaStoreId);
  const auto revision = GetMeta(database, layout::kMetaRevision);
  const auto oldest = GetMeta(database, layout::kMetaOldest);
  for (const auto* value : {&format, &store_id, &revision, &oldest}) {
    if (!value->ok()) return value->status();
  }
  if (!format->has_value() && !store_id->has_value() && !revision->has_value()) return std::optional<Meta>();
  const absl::StatusOr<uint32_t> version = layout::DecodeU32(format->value_or(""));
  if (version.ok() && *version > layout::kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(db_path, " has format version ", *version, ", this server reads up to version ",
                                                      layout::kFormatVersion, "; start a newer server on this data directory"));
  }
  const absl::StatusOr<uint64_t> revision_number = layout::DecodeU64(revision->value_or(""));
  const absl::StatusOr<uint64_t> oldest_number = layout::DecodeU64(oldest->value_or(""));
  if (!version.ok() || !revision_number.ok() || !oldest_number.ok() || !store_id->has_value()) {
    return DataLoss(absl::StrCat("the database in ", db_path,
                                 " is damaged: its table meta lacks the format, store id, revision or oldest revision. Restore the data "
                                 "directory from a backup"));
  }
  return std::optional<Meta>(
      Meta{.store_id = **store_id, .revision = static_cast<Revision>(*revision_number), .oldest = static_cast<Revision>(*oldest_number)});
}

absl::Status OtherStore(const std::string& identity_path, const StoreId& identity, const std::string& path, const StoreId& other) {
  return absl::FailedPreconditionError(absl::StrCat(identity_path, " names the store ", identity, ", but ", path, " belongs to the store ",
                                                    other, ". Put back the files that belong together"));
}

absl::Status IdentityMissing(const DataDirectory& directory, const std::string& evidence) {
  return DataLoss(absl::StrCat(directory.identity_path(), " is missing, but ", evidence,
                               " is that of a store that was in use. Restore the file from a backup, or name another directory"));
}

bool HasTableFiles(const std::string& db_path) {
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(db_path, error)) {
    if (file.path().extension() == ".sst") return true;
  }
  return false;
}

// Opens the database of a store that is being made, whatever a crash has left of an earlier try.
absl::StatusOr<std::shared_ptr<Database>> OpenUnfinished(const Database::Options& options) {
  absl::StatusOr<std::shared_ptr<Database>> database = Database::Open(options, Database::Mode::kCreate);
  if (database.ok() || !absl::IsDataLoss(database.status())) return database;
  // Making a store leaves no table file in a database that cannot be opened.
  if (HasTableFiles(options.directory->db_path())) return IdentityMissing(*options.directory, options.directory->db_path());
  if (const absl::Status status = Database::Destroy(options); !status.ok()) return status;
  return Database::Open(options, Database::Mode::kCreate);
}

// Fills the table meta of a new database.
absl::Status WriteMeta(const std::shared_ptr<Database>& database, const StoreId& store_id) {
  RocksdbWriteSet writes(DatabaseUse(database, std::make_shared<std::atomic<int>>(0)));
  PutNewStore(store_id, writes);
  return ToStatus(writes.WriteSynced(database->db()), "making the store");
}

absl::StatusOr<OpenedStore> MakeStore(const Database::Options& options, const StoreId& new_store_id, std::shared_ptr<HistoryFloor> floor) {
  const DataDirectory& directory = *options.directory;
  if (new_store_id.empty() || new_store_id.size() > limits::kStoreIdBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("the id of a new store has 1 to ", limits::kStoreIdBytesMax, " characters"));
  }
  std::error_code error;
  if (std::filesystem::exists(directory.restoring_path(), error) || error) {
    return absl::FailedPreconditionError(absl::StrCat(directory.restoring_path(),
                                                      " is what a restore has left that did not end: restore the backup again, or delete ",
                                                      directory.path(), " to begin with nothing"));
  }
  const absl::StatusOr<std::optional<HighWater::Mark>> mark = HighWater::Read(directory.high_water_path());
  if (!mark.ok()) return mark.status();
  if (mark->has_value() && (*mark)->revision > kFirstRevision) return IdentityMissing(directory, directory.high_water_path());
  // What it says is of an earlier try.
  if (mark->has_value() && ::unlink(directory.high_water_path().c_str()) != 0) return ErrnoStatus("remove", directory.high_water_path());

  absl::StatusOr<std::shared_ptr<Database>> database = OpenUnfinished(options);
  if (!database.ok()) return database.status();
  const absl::StatusOr<std::optional<Meta>> meta = ReadMeta(**database, directory.db_path());
  if (!meta.ok()) return meta.status();
  if (meta->has_value() && (*meta)->revision > kFirstRevision) return IdentityMissing(directory, directory.db_path());
  OpenedStore store;
  store.store_id = meta->has_value() ? (*meta)->store_id : new_store_id;
  if (!meta->has_value()) {
    if (const absl::Status status = WriteMeta(*database, store.store_id); !status.ok()) return status;
  }
  absl::StatusOr<std::unique_ptr<HighWater>> high_water = HighWater::Open(directory.path(), {store.store_id, kFirstRevision});
  if (!high_water.ok()) return high_water.status();
  if (const absl::Status status = SyncDirectory(directory.path()); !status.ok()) return status;
  if (const absl::Status status = directory.WriteIdentity(store.store_id); !status.ok()) return status;
  store.floor = std::move(floor);
  store.high_water = *std::move(high_water);
  store.database = *std::move(database);
  return store;
}

}  // namespace

absl::StatusOr<std::shared_ptr<Database>> OpenExisting(const Database::Options& options, const StoreId& store_id, HighWater& high_water) {
  const std::string db_path = options.directory->db_path();
  absl::StatusOr<std::shared_ptr<Database>> database = Database::Open(options, Database::Mode::kExisting);
  if (!database.ok()) return database.status();
  const absl::StatusOr<std::optional<Meta>> read = ReadMeta(**database, db_path);
  if (!read.ok()) return read.status();
  const Meta meta = read->value_or(Meta());
  if (!read->has_value()) {
    return DataLoss(absl::StrCat("the database in ", db_path, " is empty, but ", options.directory->identity_path(),
                                 " says that a store is there: acknowledged writes are missing. Restore the data directory from a backup"));
  }
  if (meta.store_id != store_id) return OtherStore(options.directory->identity_path(), store_id, db_path, meta.store_id);
  if (meta.revision < high_water.revision()) {
    return DataLoss(absl::StrCat("acknowledged writes are missing: ", high_water.path(), " says that revision ", high_water.revision(),
                                 " was on disk, but the database in ", db_path, " ends at revision ", meta.revision,
                                 ". Restore the data directory from a backup, or delete ", high_water.path(), " to accept what is there"));
  }
  if (const absl::Status status = high_water.Record(meta.revision); !status.ok()) return status;
  return database;
}

absl::StatusOr<OpenedStore> OpenStore(const Database::Options& options, const StoreId& new_store_id, std::shared_ptr<HistoryFloor> floor) {
  const DataDirectory& directory = *options.directory;
  const absl::StatusOr<std::optional<StoreId>> identity = directory.ReadIdentity();
  if (!identity.ok()) return identity.status();
  if (!identity->has_value()) return MakeStore(options, new_store_id, std::move(floor));
  // Left by a restore that ended.
  std::error_code error;
  std::filesystem::remove_all(directory.restoring_path(), error);
  if (error && options.log) options.log('w', absl::StrCat("cannot remove ", directory.restoring_path(), ": ", error.message()));
  OpenedStore store;
  store.store_id = **identity;
  const absl::StatusOr<std::optional<HighWater::Mark>> mark = HighWater::Read(directory.high_water_path());
  if (!mark.ok()) return mark.status();
  if (!mark->has_value() && options.log) {
    options.log('w',
                absl::StrCat(directory.high_water_path(), " is missing: whether acknowledged writes were lost before now cannot be told"));
  }
  if (mark->has_value() && (*mark)->store_id != store.store_id) {
    return OtherStore(directory.identity_path(), store.store_id, directory.high_water_path(), (*mark)->store_id);
  }
  absl::StatusOr<std::unique_ptr<HighWater>> high_water =
      HighWater::Open(directory.path(), mark->value_or(HighWater::Mark{store.store_id, 0}));
  if (!high_water.ok()) return high_water.status();
  absl::StatusOr<std::shared_ptr<Database>> database = OpenExisting(options, store.store_id, **high_water);
  if (!database.ok()) return database.status();
  store.floor = std::move(floor);
  store.high_water = *std::move(high_water);
  store.database = *std::move(database);
  return store;
}

}  // namespace scoutlight::storage

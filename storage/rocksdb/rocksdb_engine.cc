#include "storage/rocksdb/rocksdb_engine.h"

#include <sys/statvfs.h>

#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/mutex.h"
#include "rocksdb/sst_file_reader.h"
#include "storage/rocksdb/data_directory.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/high_water.h"
#include "storage/rocksdb/history_dropper.h"
#include "storage/rocksdb/history_filter.h"
#include "storage/rocksdb/open_store.h"
#include "storage/rocksdb/rocksdb_snapshot.h"
#include "storage/rocksdb/rocksdb_status.h"
#include "storage/rocksdb/rocksdb_write_set.h"

namespace scoutlight::storage {
namespace {

constexpr uint64_t kPastPieceBytes = 64 << 20;
constexpr uint64_t kDeleteReserveShare = 4;

absl::Status ReadOnly() {
  ErrorDetails details;
  details.reason = Reason::kReadOnly;
  return MakeError(absl::StatusCode::kUnavailable, "an earlier write to the disk failed; the store takes no writes until it is opened anew",
                   details);
}

// Compares the checksums of all blocks, file by file, which DB::VerifyChecksum does without a way to stop it.
absl::Status VerifyFiles(rocksdb::DB& db, const std::function<bool()>& stop) {
  if (const rocksdb::Status held = db.DisableFileDeletions(); !held.ok()) return ToStatus(held, "holding on to the files");
  std::vector<rocksdb::LiveFileMetaData> files;
  db.GetLiveFilesMetaData(&files);
  rocksdb::Options options;
  options.env = db.GetEnv();
  absl::Status status;
  for (const rocksdb::LiveFileMetaData& file : files) {
    if (!status.ok() || stop()) break;
    const std::string path = file.db_path + file.name;
    rocksdb::SstFileReader reader(options);
    rocksdb::Status read = reader.Open(path);
    if (read.ok()) read = reader.VerifyChecksum();
    if (!read.ok()) status = ToStatus(read, absl::StrCat("comparing checksums of ", path));
  }
  const rocksdb::Status released = db.EnableFileDeletions(false);
  return status.ok() && !released.ok() ? ToStatus(released, "letting go of the files") : status;
}

class RocksdbEngine final : public Engine {
 public:
  RocksdbEngine(Database::Options options, OpenedStore opened, const RocksdbEngineOptions& settings)
      : options_(std::move(options)),
        reserve_bytes_(settings.disk_reserve_bytes),
        store_id_(std::move(opened.store_id)),
        floor_(std::move(opened.floor)),
        high_water_(std::move(opened.high_water)),
        dropper_({.log_step_revisions = settings.log_step_revisions,
                  .past_bytes_min = settings.past_compaction_bytes_min,
                  .past_piece_bytes = kPastPieceBytes},
                 floor_),
        database_(std::move(opened.database)) {}

  ~RocksdbEngine() override { SyncHighWater(); }

  StoreId store_id() const override { return store_id_; }
  std::unique_ptr<WriteSet> NewWriteSet() override { return std::make_unique<RocksdbWriteSet>(Use()); }
  absl::Status Write(WriteSet& writes, Revision revision) override;
  std::shared_ptr<const Snapshot> TakeSnapshot() override;
  absl::Status Reopen() override;
  void DropHistory(Revision oldest) override { floor_->Raise(oldest); }
  uint64_t LogBytes(Revision from, Revision to) override;
  uint64_t PastBytes() override;
  std::optional<Room> FreeRoom() override;
  void SyncHighWater() override;
  void Maintain() override;
  bool failed() const override;
  absl::Status Probe() override { return options_.directory->Probe(); }
  absl::Status Verify(const std::function<bool()>& stop) override;

 private:
  DatabaseUse Use() const {
    const MutexLock lock(&mu_);
    return DatabaseUse(database_, uses_);
  }
  void Log(char level, absl::string_view line) const {
    if (options_.log) options_.log(level, line);
  }
  const Database::Options options_;
  const uint64_t reserve_bytes_;
  const StoreId store_id_;
  const std::shared_ptr<HistoryFloor> floor_;
  const std::unique_ptr<HighWater> high_water_;
  HistoryDropper dropper_;  // Only for Maintain(), which one thread calls.
  // Shares outside the engine.
  const DatabaseUse::Count uses_ = std::make_shared<std::atomic<int>>(0);
  mutable Mutex mu_;
  std::shared_ptr<Database> database_ ABSL_GUARDED_BY(mu_);  // nullptr: closed.
};

absl::Status RocksdbEngine::Write(WriteSet& writes, Revision revision) {
  auto& set = static_cast<RocksdbWriteSet&>(writes);
  const DatabaseUse database = Use();
  if (!database || database->failure().happened()) return ReadOnly();
  const rocksdb::Status written = set.WriteSynced(database->db());
  if (!written.ok()) {
    database->failure().Latch();
    return ToStatus(written, "writing");
  }
  // Only now: the mark must never be ahead of the database.
  absl::Status recorded = high_water_->Record(revision);
  if (!recorded.ok()) database->failure().Latch();
  return recorded;
}

std::shared_ptr<const Snapshot> RocksdbEngine::TakeSnapshot() {
  DatabaseUse database = Use();
  if (!database) return nullptr;
  return std::make_shared<RocksdbSnapshot>(std::move(database));
}

absl::Status RocksdbEngine::Reopen() {
  const MutexLock lock(&mu_);
  if (uses_->load(std::memory_order_acquire) != 0) {
    return absl::FailedPreconditionError("the store cannot be reopened while something reads it");
  }
  database_.reset();
  absl::StatusOr<std::shared_ptr<Database>> database = OpenExisting(options_, store_id_, *high_water_);
  if (!database.ok()) return database.status();
  database_ = *std::move(database);
  return absl::OkStatus();
}

uint64_t RocksdbEngine::LogBytes(Revision from, Revision to) {
  const DatabaseUse database = Use();
  return database ? storage::LogBytes(*database.operator->(), from, to) : 0;
}

uint64_t RocksdbEngine::PastBytes() {
  const DatabaseUse database = Use();
  return database ? storage::PastBytes(*database.operator->()) : 0;
}

std::optional<Engine::Room> RocksdbEngine::FreeRoom() {
  struct statvfs facts {};
  // A disk that does not even answer this will refuse the write itself.
  if (::statvfs(options_.directory->path().c_str(), &facts) != 0) return std::nullopt;
  const int64_t free_bytes = static_cast<int64_t>(facts.f_bavail * facts.f_frsize);
  return Room{.for_puts_bytes = free_bytes - static_cast<int64_t>(reserve_bytes_),
              .for_deletes_bytes = free_bytes - static_cast<int64_t>(reserve_bytes_ / kDeleteReserveShare),
              .disk_bytes = static_cast<int64_t>(facts.f_blocks * facts.f_frsize)};
}

void RocksdbEngine::SyncHighWater() {
  const absl::Status status = high_water_->Sync();
  if (!status.ok()) Log('e', status.message());
}

bool RocksdbEngine::failed() const {
  const DatabaseUse database = Use();
  return !database || database->failure().happened();
}

void RocksdbEngine::Maintain() {
  const DatabaseUse database = Use();
  if (!database || database->failure().happened()) return;
  const absl::Status status = dropper_.Step(*database.operator->());
  if (!status.ok()) Log('w', absl::StrCat("old history stays on disk for now: ", status.message()));
}

absl::Status RocksdbEngine::Verify(const std::function<bool()>& stop) {
  const DatabaseUse database = Use();
  if (!database) return ReadOnly();
  if (absl::Status status = VerifyFiles(database->db(), stop); !status.ok()) return status;
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  for (int i = 0; i < kTables; ++i) {
    const Table table = static_cast<Table>(i);
    const std::unique_ptr<rocksdb::Iterator> iterator(database->db().NewIterator(options, database->table(table)));
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
      if (stop()) return absl::OkStatus();
    }
    if (!iterator->status().ok()) return ToStatus(iterator->status(), absl::StrCat("reading all of the table ", TableName(table)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenRocksdbEngine(RocksdbEngineOptions options) {
  absl::StatusOr<std::shared_ptr<DataDirectory>> directory = DataDirectory::Open(options.data_dir);
  if (!directory.ok()) return directory.status();
  auto floor = std::make_shared<HistoryFloor>();
  Database::Options database_options;
  database_options.directory = *directory;
  database_options.block_cache_bytes = options.block_cache_bytes;
  database_options.write_buffer_bytes = options.write_buffer_bytes;
  database_options.open_files_max = options.open_files_max;
  database_options.log = options.log;
  database_options.file_system = options.file_system;
  database_options.floor = floor;
  absl::StatusOr<OpenedStore> opened = OpenStore(database_options, options.new_store_id, floor);
  if (!opened.ok()) return opened.status();
  return std::make_unique<RocksdbEngine>(std::move(database_options), *std::move(opened), options);
}

}  // namespace scoutlight::storage

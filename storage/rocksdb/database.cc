#include "storage/rocksdb/database.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rocksdb/cache.h"
#include "rocksdb/convenience.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/listener.h"
#include "rocksdb/options.h"
#include "rocksdb/table.h"
#include "rocksdb/utilities/table_properties_collectors.h"
#include "storage/rocksdb/rocksdb_log.h"
#include "storage/rocksdb/rocksdb_status.h"
#include "storage/rocksdb/wal_file_system.h"

namespace scoutlight::storage {
namespace {

// Tables are compacted where this many of that many records in a row are deletions, so that seeks do not crawl over them.
constexpr size_t kDeletionWindow = 4096;
constexpr size_t kDeletionTrigger = 2048;
constexpr int kBloomBitsPerKey = 10;
// The WAL makes the next start slow, and it is kept until the least busy table is flushed.
constexpr uint64_t kWalWriteBuffersMax = 4;
// Small tables are flushed by the bound on the WAL, not by their own size.
constexpr uint64_t kSmallTableShare = 8;

class FailureListener final : public rocksdb::EventListener {
 public:
  FailureListener(std::shared_ptr<WriteFailure> failure, std::function<void(char, absl::string_view)> log)
      : failure_(std::move(failure)), log_(std::move(log)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    failure_->Latch();
    if (log_) log_('e', absl::StrCat("RocksDB stopped writing: ", status->ToString()));
  }

 private:
  const std::shared_ptr<WriteFailure> failure_;
  const std::function<void(char, absl::string_view)> log_;
};

std::unique_ptr<rocksdb::Env> MakeEnv(const Database::Options& options) {
  const auto machine = options.file_system != nullptr ? options.file_system : rocksdb::FileSystem::Default();
  return rocksdb::NewCompositeEnv(std::make_shared<WalFileSystem>(machine));
}

rocksdb::DBOptions MakeDbOptions(const Database::Options& options, Database::Mode mode, rocksdb::Env* env) {
  rocksdb::DBOptions db;
  db.create_if_missing = mode == Database::Mode::kCreate;
  db.create_missing_column_families = mode == Database::Mode::kCreate;
  db.env = env;
  // The default opens a database with a flipped bit in the WAL as of before that bit, without a word. This refuses it, and still takes
  // a tail that a crash has cut.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.track_and_verify_wals_in_manifest = true;
  db.verify_sst_unique_id_in_manifest = true;
  db.paranoid_checks = true;
  db.max_open_files = options.open_files_max;
  db.max_total_wal_size = kWalWriteBuffersMax * options.write_buffer_bytes;
  // RocksDB would take room for a whole write buffer ahead of the WAL, which on a small disk is the room left for writes. Allocating or
  // not made no difference to a synced write that could be told from noise.
  db.allow_fallocate = false;
  // After an error the database is closed and opened anew; RocksDB must not go on by itself meanwhile.
  db.max_bgerror_resume_count = 0;
  return db;
}

rocksdb::ColumnFamilyOptions MakeTableOptions(const Database::Options& options, Table table, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions blocks;
  blocks.block_cache = cache;
  // So that the cache bounds all memory for reading; what is needed for every read stays.
  blocks.cache_index_and_filter_blocks = true;
  blocks.cache_index_and_filter_blocks_with_high_priority = true;
  blocks.pin_l0_filter_and_index_blocks_in_cache = true;
  if (table == Table::kLive) blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));

  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
  const bool large = table == Table::kLive || table == Table::kLog || table == Table::kPast;
  family.write_buffer_size = large ? options.write_buffer_bytes : options.write_buffer_bytes / kSmallTableShare;
  if (table == Table::kLive || table == Table::kPast || table == Table::kLeases || table == Table::kLeaseKeys) {
    family.table_properties_collector_factories.push_back(rocksdb::NewCompactOnDeletionCollectorFactory(kDeletionWindow, kDeletionTrigger));
  }
  // Insertion hints (memtable_insert_with_hint_prefix_extractor) would suit the log, which grows at its end. But RocksDB 7.8 takes the
  // hints of a table's rows for its range deletions too, which lie in another list: the next row after a dropped history aborts the
  // process.
  if (table == Table::kPast) family.compaction_filter_factory = NewHistoryFilterFactory(options.floor);
  return family;
}

std::vector<rocksdb::ColumnFamilyDescriptor> MakeDescriptors(const Database::Options& options) {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  descriptors.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions());
  for (int i = 0; i < kTables; ++i) {
    const Table table = static_cast<Table>(i);
    descriptors.emplace_back(std::string(TableName(table)), MakeTableOptions(options, table, cache));
  }
  return descriptors;
}

}  // namespace

absl::StatusOr<std::shared_ptr<Database>> Database::Open(const Options& options, Mode mode) {
  std::shared_ptr<Database> database(new Database);
  database->directory_ = options.directory;
  database->log_ = options.log;
  database->env_ = MakeEnv(options);
  rocksdb::DBOptions db_options = MakeDbOptions(options, mode, database->env_.get());
  const auto info_log = std::make_shared<RocksdbLog>(options.log);
  db_options.info_log = info_log;
  db_options.listeners.push_back(std::make_shared<FailureListener>(database->failure_, options.log));

  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const std::string path = options.directory->db_path();
  if (mode == Mode::kCreate) {
    // RocksDB would make it too, but logs an error first, which looks like trouble at every first start.
    const rocksdb::Status made = db_options.env->CreateDirIfMissing(path);
    if (!made.ok()) return ToStatus(made, absl::StrCat("making ", path));
  }
  const rocksdb::Status status = rocksdb::DB::Open(db_options, path, MakeDescriptors(options), &handles, &db);
  if (!status.ok()) return ToOpenStatus(status, path, info_log->last_damage());
  database->db_.reset(db);
  database->default_ = handles[0];
  for (int i = 0; i < kTables; ++i) database->tables_[i] = handles[i + 1];
  return database;
}

absl::Status Database::Destroy(const Options& options) {
  const std::unique_ptr<rocksdb::Env> env = MakeEnv(options);
  rocksdb::Options db_options(MakeDbOptions(options, Mode::kCreate, env.get()), rocksdb::ColumnFamilyOptions());
  db_options.info_log = std::make_shared<RocksdbLog>(options.log);
  const std::string path = options.directory->db_path();
  return ToStatus(rocksdb::DestroyDB(path, db_options), absl::StrCat("removing the unfinished database in ", path));
}

Database::~Database() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* const handle : tables_) db_->DestroyColumnFamilyHandle(handle);
  db_->DestroyColumnFamilyHandle(default_);
  const rocksdb::Status status = db_->Close();
  // Everything acknowledged is synced already, so there is nothing to save; but somebody may want to know.
  if (!status.ok() && log_) log_('w', absl::StrCat("closing the database: ", status.ToString()));
}

}  // namespace scoutlight::storage

#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_DATABASE_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_DATABASE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rocksdb/db.h"
#include "rocksdb/perf_level.h"
#include "storage/local/engine.h"
#include "storage/rocksdb/data_directory.h"
#include "storage/rocksdb/history_filter.h"

namespace scoutlight::storage {

// Whether a database may be written to. Set once, by whoever meets an error first; a new opening starts with a new one. Thread-safe.
class WriteFailure {
 public:
  bool happened() const { return happened_.load(std::memory_order_acquire); }
  void Latch() { happened_.store(true, std::memory_order_release); }

 private:
  std::atomic<bool> happened_{false};  // Orders the report of the first failure before every later refusal.
};

// One opening of the RocksDB database of a store: the tables as column families. Closes when destroyed. Thread-safe.
class Database {
 public:
  struct Options {
    std::shared_ptr<const DataDirectory> directory;  // Stays locked while this lives.
    uint64_t block_cache_bytes = 0;
    uint64_t write_buffer_bytes = 0;
    int open_files_max = 0;
    std::function<void(char level, absl::string_view line)> log;  // May be empty.
    std::shared_ptr<rocksdb::FileSystem> file_system;             // Empty: the machine's.
    std::shared_ptr<const HistoryFloor> floor;
  };
  enum class Mode { kExisting, kCreate };

  // kDataLoss: damaged, or with kExisting missing. kResourceExhausted: no space. kUnavailable: any other fault of the disk.
  static absl::StatusOr<std::shared_ptr<Database>> Open(const Options& options, Mode mode);

  // Removes RocksDB's files and nothing else.
  static absl::Status Destroy(const Options& options);

  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() const {
    // RocksDB counts, for each thread, what it does, down to every comparison of two keys. Nobody reads the counts.
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
    return *db_;
  }
  rocksdb::ColumnFamilyHandle* table(Table table) const { return tables_[static_cast<int>(table)]; }
  WriteFailure& failure() const { return *failure_; }

 private:
  Database() = default;

  std::shared_ptr<const DataDirectory> directory_;
  std::unique_ptr<rocksdb::Env> env_;  // A WalFileSystem over Options::file_system; outlives db_.
  std::shared_ptr<WriteFailure> failure_ = std::make_shared<WriteFailure>();
  std::function<void(char level, absl::string_view line)> log_;
  rocksdb::ColumnFamilyHandle* default_ = nullptr;  // RocksDB insists on it; empty.
  std::array<rocksdb::ColumnFamilyHandle*, kTables> tables_{};
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_DATABASE_H_

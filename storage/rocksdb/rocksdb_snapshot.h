#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_SNAPSHOT_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_SNAPSHOT_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "storage/local/engine.h"
#include "storage/rocksdb/database.h"

namespace scoutlight::storage {

// A share in an open database, counted, so that the engine knows when it may close it. Movable.
class DatabaseUse {
 public:
  using Count = std::shared_ptr<std::atomic<int>>;

  // `database` may be nullptr: closed.
  DatabaseUse(std::shared_ptr<Database> database, Count count) : database_(std::move(database)), count_(std::move(count)) {
    count_->fetch_add(1, std::memory_order_relaxed);
  }
  DatabaseUse(DatabaseUse&&) = default;
  ~DatabaseUse() {
    if (count_ == nullptr) return;
    database_.reset();
    // Whoever then reads 0 comes after everything done through this share.
    count_->fetch_sub(1, std::memory_order_release);
  }

  explicit operator bool() const { return database_ != nullptr; }
  Database* operator->() const { return database_.get(); }

 private:
  std::shared_ptr<Database> database_;
  Count count_;
};

class RocksdbSnapshot final : public Snapshot, public std::enable_shared_from_this<RocksdbSnapshot> {
 public:
  // `database` is open.
  explicit RocksdbSnapshot(DatabaseUse database);
  ~RocksdbSnapshot() override;
  RocksdbSnapshot(const RocksdbSnapshot&) = delete;
  RocksdbSnapshot& operator=(const RocksdbSnapshot&) = delete;

  absl::StatusOr<bool> Get(Table table, absl::string_view key, std::string* value) const override;
  std::unique_ptr<Cursor> NewCursor(Table table, std::string lower, std::string upper) const override;

 private:
  const DatabaseUse database_;
  const rocksdb::Snapshot* const snapshot_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_SNAPSHOT_H_

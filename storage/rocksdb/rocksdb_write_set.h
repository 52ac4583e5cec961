#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_WRITE_SET_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_WRITE_SET_H_

#include <utility>

#include "rocksdb/write_batch.h"
#include "storage/local/engine.h"
#include "storage/rocksdb/rocksdb_snapshot.h"

namespace scoutlight::storage {

class RocksdbWriteSet final : public WriteSet {
 public:
  // A checksum goes with each change on its way through memory to the disk. RocksDB knows 0 and 8.
  static constexpr size_t kProtectionBytesPerKey = 8;

  explicit RocksdbWriteSet(DatabaseUse database) : database_(std::move(database)) {}

  // Without a database, Write() refuses whatever is in here.
  void Put(Table table, absl::string_view key, absl::string_view value) override {
    if (!database_) return;
    Note(batch_.Put(database_->table(table), rocksdb::Slice(key.data(), key.size()), rocksdb::Slice(value.data(), value.size())));
  }
  void Delete(Table table, absl::string_view key) override {
    if (!database_) return;
    Note(batch_.Delete(database_->table(table), rocksdb::Slice(key.data(), key.size())));
  }
  // An empty batch has a header, but nothing to write.
  size_t bytes() const override { return batch_.Count() == 0 ? 0 : batch_.GetDataSize(); }

  // Writes all and waits until it is on disk.
  rocksdb::Status WriteSynced(rocksdb::DB& db) {
    if (!status_.ok()) return status_;
    rocksdb::WriteOptions options;
    options.sync = true;
    return db.Write(options, &batch_);
  }

 private:
  void Note(const rocksdb::Status& status) {
    if (status_.ok() && !status.ok()) status_ = status;
  }

  const DatabaseUse database_;
  rocksdb::WriteBatch batch_{0, 0, kProtectionBytesPerKey, 0};
  rocksdb::Status status_;  // Of the first change that the batch would not take.
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_WRITE_SET_H_

#include "storage/rocksdb/rocksdb_snapshot.h"

#include "absl/strings/str_cat.h"
#include "rocksdb/iterator.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace scoutlight::storage {
namespace {

rocksdb::Slice ToSlice(absl::string_view bytes) { return rocksdb::Slice(bytes.data(), bytes.size()); }
absl::string_view ToView(const rocksdb::Slice& slice) { return absl::string_view(slice.data(), slice.size()); }

class RocksdbCursor final : public Cursor {
 public:
  RocksdbCursor(std::shared_ptr<const RocksdbSnapshot> owner, const rocksdb::Snapshot* snapshot, const Database& database, Table table,
                std::string lower, std::string upper)
      : owner_(std::move(owner)),
        table_(table),
        lower_(std::move(lower)),
        upper_(std::move(upper)),
        lower_slice_(lower_),
        upper_slice_(upper_) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    if (!lower_.empty()) options.iterate_lower_bound = &lower_slice_;
    if (!upper_.empty()) options.iterate_upper_bound = &upper_slice_;
    iterator_.reset(database.db().NewIterator(options, database.table(table)));
  }

  void Seek(absl::string_view key) override { iterator_->Seek(ToSlice(key)); }
  void SeekToLast() override { iterator_->SeekToLast(); }
  void Next() override { iterator_->Next(); }
  bool Valid() const override { return iterator_->Valid(); }
  absl::string_view key() const override { return ToView(iterator_->key()); }
  absl::string_view value() const override { return ToView(iterator_->value()); }
  absl::Status status() const override {
    const rocksdb::Status status = iterator_->status();
    return status.ok() ? absl::OkStatus() : ToStatus(status, absl::StrCat("reading the table ", TableName(table_)));
  }

 private:
  const std::shared_ptr<const RocksdbSnapshot> owner_;
  const Table table_;
  // The iterator refers to the slices, they to the strings.
  const std::string lower_;
  const std::string upper_;
  const rocksdb::Slice lower_slice_;
  const rocksdb::Slice upper_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace

RocksdbSnapshot::RocksdbSnapshot(DatabaseUse database) : database_(std::move(database)), snapshot_(database_->db().GetSnapshot()) {}

RocksdbSnapshot::~RocksdbSnapshot() { database_->db().ReleaseSnapshot(snapshot_); }

absl::StatusOr<bool> RocksdbSnapshot::Get(Table table, absl::string_view key, std::string* value) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  const rocksdb::Status status = database_->db().Get(options, database_->table(table), ToSlice(key), value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return ToStatus(status, absl::StrCat("reading the table ", TableName(table)));
  return true;
}

std::unique_ptr<Cursor> RocksdbSnapshot::NewCursor(Table table, std::string lower, std::string upper) const {
  return std::make_unique<RocksdbCursor>(shared_from_this(), snapshot_, *database_.operator->(), table, std::move(lower), std::move(upper));
}

}  // namespace scoutlight::storage

#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_STATUS_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/status.h"

namespace scoutlight::storage {

// The canonical form of what RocksDB answered while `doing` something ("reading"). OK for OK.
// kDataLoss (Reason::kDataCorrupted): damage; the message names the file where RocksDB does. kResourceExhausted (kDiskFull): no space.
// kUnavailable (kBackendUnavailable): any other fault of the disk or of RocksDB.
absl::Status ToStatus(const rocksdb::Status& status, absl::string_view doing);

// Likewise of opening the database in `db_dir`, where a file that is missing is damage too. `last_damage` is RocksdbLog::last_damage().
absl::Status ToOpenStatus(const rocksdb::Status& status, absl::string_view db_dir, absl::string_view last_damage);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_STATUS_H_

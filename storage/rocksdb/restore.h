#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_RESTORE_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_RESTORE_H_

#include "absl/status/status.h"
#include "storage/backup/backup_reader.h"
#include "storage/rocksdb/rocksdb_engine.h"

namespace scoutlight::storage {

// Makes a store in `options.data_dir` that holds what a backup holds, under the id `options.new_store_id`. It is made in `restoring/` and
// moved into place at the end: a crash leaves either that folder, which OpenRocksdbEngine refuses and the next call begins anew, or the
// whole store. Blocks. kFailedPrecondition: a store is there already, or the directory is held; nothing has changed. Other errors as of
// LoadBackup and OpenRocksdbEngine; what was made is removed.
absl::Status RestoreRocksdb(const RocksdbEngineOptions& options, BackupReader* reader);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_RESTORE_H_

#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_RESTORE_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_RESTORE_H_

#include "absl/status/statusor.h"
#include "storage/backup/backup_format.h"
#include "storage/backup/backup_reader.h"
#include "storage/rocksdb/rocksdb_engine.h"

namespace scoutlight::storage {

// Makes a store in `options.data_dir` that holds what a backup holds, under the id `options.new_store_id`, and returns what the backup says
// of itself. It is made in `restoring/` and moved into place, the identity last: what a crash leaves is either the whole store, or refused
// by OpenRocksdbEngine and begun anew by the next call. Blocks. kFailedPrecondition: a store is there already, or the directory is held;
// nothing has changed. Other errors as of LoadBackup and OpenRocksdbEngine, and what was made is removed; or of moving it, and what is left
// is as after a crash.
absl::StatusOr<backup::Header> RestoreRocksdb(const RocksdbEngineOptions& options, BackupReader* reader);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_RESTORE_H_

#ifndef SCOUTLIGHT_STORAGE_LOCAL_LOAD_BACKUP_H_
#define SCOUTLIGHT_STORAGE_LOCAL_LOAD_BACKUP_H_

#include "absl/status/statusor.h"
#include "storage/backup/backup_reader.h"
#include "storage/local/engine.h"

namespace scoutlight::storage {

// Fills the tables of a new store, which nobody has opened as a LocalStore yet, with the state that a backup holds: at its revision, with
// the numbers that entries had there, no history before it, and each lease with its whole ttl from when the store first serves. The store
// keeps the id of its engine. Returns what the backup says of itself. Blocks; writes a few MiB at a time. On an error the tables are of no
// use. Errors as of the reader and Engine::Write; kDataLoss also for entries and leases that do not fit each other.
absl::StatusOr<backup::Header> LoadBackup(BackupReader* reader, Engine* engine);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_LOAD_BACKUP_H_

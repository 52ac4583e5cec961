#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_ENGINE_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "storage/local/engine.h"

namespace rocksdb {
class FileSystem;
}

namespace scoutlight::storage {

struct RocksdbEngineOptions {
  std::string data_dir;
  StoreId new_store_id;  // For a directory that holds no store yet.
  // Puts are refused when less than this is free on the disk, deletes at a quarter of it.
  uint64_t disk_reserve_bytes = 64 << 20;
  uint64_t block_cache_bytes = 256 << 20;
  uint64_t write_buffer_bytes = 16 << 20;
  int open_files_max = 512;
  // The log is cut when this many revisions can go at once. The past is rewritten when it is this large and has grown by half since.
  Revision log_step_revisions = 10'000;
  uint64_t past_compaction_bytes_min = 64 << 20;
  // Takes what RocksDB and the engine log, one line each, with a level: 'd', 'i', 'w', 'e'. May be empty. From any thread.
  std::function<void(char level, absl::string_view line)> log;
  std::shared_ptr<rocksdb::FileSystem> file_system;  // For fault injection; empty: the machine's.
};

// Opens or makes a store in `data_dir` (made with mode 0700 when missing):
//   db/         RocksDB's
//   identity    format version and store id, text; written last, so it marks a complete store
//   high-water  the last revision known synced (high_water.h): a database behind it has lost acknowledged writes
//   LOCK        held while open
// Errors say which file and what to do: kFailedPrecondition (locked by another process, newer format, another store's file),
// kPermissionDenied (not writable), kDataLoss (damaged, or behind the high-water mark), kResourceExhausted (no space).
absl::StatusOr<std::unique_ptr<Engine>> OpenRocksdbEngine(RocksdbEngineOptions options);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_ROCKSDB_ENGINE_H_

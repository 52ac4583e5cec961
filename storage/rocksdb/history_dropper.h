#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_HISTORY_DROPPER_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_HISTORY_DROPPER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "base/entry.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/history_filter.h"

namespace scoutlight::storage {

// Removes history below the floor from disk, a bounded piece at each call. Not thread-safe.
class HistoryDropper {
 public:
  struct Options {
    Revision log_step_revisions = 0;  // The log is cut when the floor has risen by this much: each cut leaves a range tombstone.
    uint64_t past_bytes_min = 0;      // Below this kPast is left to RocksDB's own compactions.
    uint64_t past_piece_bytes = 0;    // About how much of kPast is rewritten in one call.
  };
  HistoryDropper(Options options, std::shared_ptr<const HistoryFloor> floor) : options_(options), floor_(std::move(floor)) {}

  // Blocks for about a second. An error leaves history to be dropped later; it is one of writing, so the database may have failed.
  absl::Status Step(const Database& database);

 private:
  absl::Status CutLog(const Database& database, Revision floor);
  absl::Status CompactPast(const Database& database, Revision floor);
  struct Piece {
    std::string start;
    std::string end;
  };
  // The keys of the next files in order, as many as make a piece; nullopt: the pass is through.
  std::optional<Piece> NextPiece(const Database& database) const;

  const Options options_;
  const std::shared_ptr<const HistoryFloor> floor_;
  Revision log_floor_ = 0;         // Up to where the log has been cut.
  Revision past_floor_ = 0;        // The floor of the last pass over kPast.
  uint64_t past_bytes_after_ = 0;  // What kPast held after it.
  bool past_pass_ = false;         // A pass is under way ...
  std::string past_next_;          // ... and goes on at the first file behind this key.
};

// About how many bytes kPast holds, in memory and in files.
uint64_t PastBytes(const Database& database);
// About how many bytes kLog holds for the revisions in [from, to].
uint64_t LogBytes(const Database& database, Revision from, Revision to);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_HISTORY_DROPPER_H_

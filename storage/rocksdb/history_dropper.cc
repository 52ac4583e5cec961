#include "storage/rocksdb/history_dropper.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "rocksdb/convenience.h"
#include "rocksdb/metadata.h"
#include "storage/local/layout.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace scoutlight::storage {
namespace {

// A pass pays off when it can expect to drop about a third of what it reads.
bool WorthPass(uint64_t bytes, uint64_t bytes_after_last) { return bytes > bytes_after_last + bytes_after_last / 2; }

uint64_t TableBytes(const Database& database, Table table, const std::string& start, const std::string& end) {
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  options.include_files = true;
  const rocksdb::Range range(start, end);
  uint64_t bytes = 0;
  // An error leaves it at zero: an estimate.
  database.db().GetApproximateSizes(options, database.table(table), &range, 1, &bytes).PermitUncheckedError();
  return bytes;
}

}  // namespace

uint64_t PastBytes(const Database& database) { return TableBytes(database, Table::kPast, "", "\xff"); }

uint64_t LogBytes(const Database& database, Revision from, Revision to) {
  return from > to ? 0 : TableBytes(database, Table::kLog, layout::LogKey(from, 0), layout::EncodeU64(static_cast<uint64_t>(to) + 1));
}

absl::Status HistoryDropper::Step(const Database& database) {
  const Revision floor = floor_->get();
  if (const absl::Status status = CutLog(database, floor); !status.ok()) return status;
  return CompactPast(database, floor);
}

absl::Status HistoryDropper::CutLog(const Database& database, Revision floor) {
  if (floor - log_floor_ < options_.log_step_revisions) return absl::OkStatus();
  const std::string start = layout::LogKey(log_floor_, 0);
  const std::string end = layout::EncodeU64(static_cast<uint64_t>(floor) + 1);
  rocksdb::WriteOptions synced;
  synced.sync = true;  // As every write is: wal_end.h counts on at most one that is not whole.
  rocksdb::Status status = database.db().DeleteRange(synced, database.table(Table::kLog), start, end);
  if (status.ok()) {
    // Files that lie wholly in the range go at once instead of by compaction.
    const rocksdb::Slice end_slice(end);
    status = rocksdb::DeleteFilesInRange(&database.db(), database.table(Table::kLog), nullptr, &end_slice, /*include_end=*/false);
  }
  if (!status.ok()) return ToStatus(status, "dropping the old log");
  log_floor_ = floor;
  return absl::OkStatus();
}

absl::Status HistoryDropper::CompactPast(const Database& database, Revision floor) {
  if (!past_pass_) {
    const uint64_t bytes = PastBytes(database);
    if (floor == past_floor_ || bytes < options_.past_bytes_min || !WorthPass(bytes, past_bytes_after_)) return absl::OkStatus();
    past_pass_ = true;
    past_floor_ = floor;
    past_next_.clear();
  }
  const std::optional<Piece> piece = NextPiece(database);
  if (!piece.has_value()) {
    past_pass_ = false;
    past_bytes_after_ = PastBytes(database);
    return absl::OkStatus();
  }
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  // The bottom files too: most of the past lies there, and only rewriting takes it through the filter.
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  const rocksdb::Slice start(piece->start);
  const rocksdb::Slice end(piece->end);
  const rocksdb::Status status = database.db().CompactRange(options, database.table(Table::kPast), &start, &end);
  if (!status.ok()) return ToStatus(status, "compacting the past");
  past_next_ = piece->end;
  return absl::OkStatus();
}

std::optional<HistoryDropper::Piece> HistoryDropper::NextPiece(const Database& database) const {
  rocksdb::ColumnFamilyMetaData metadata;
  database.db().GetColumnFamilyMetaData(database.table(Table::kPast), &metadata);
  std::vector<const rocksdb::SstFileMetaData*> files;
  for (const rocksdb::LevelMetaData& level : metadata.levels) {
    for (const rocksdb::SstFileMetaData& file : level.files) {
      if (past_next_.empty() || file.largestkey > past_next_) files.push_back(&file);
    }
  }
  if (files.empty()) return std::nullopt;
  std::sort(files.begin(), files.end(), [](const auto* a, const auto* b) { return a->smallestkey < b->smallestkey; });
  Piece piece{.start = std::max(files.front()->smallestkey, past_next_), .end = ""};
  uint64_t bytes = 0;
  for (const rocksdb::SstFileMetaData* const file : files) {
    if (bytes > 0 && bytes + file->size > options_.past_piece_bytes) break;
    bytes += file->size;
    piece.end = std::max(piece.end, file->largestkey);
  }
  return piece;
}

}  // namespace scoutlight::storage

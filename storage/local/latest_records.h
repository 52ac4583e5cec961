#ifndef SCOUTLIGHT_STORAGE_LOCAL_LATEST_RECORDS_H_
#define SCOUTLIGHT_STORAGE_LOCAL_LATEST_RECORDS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/local/recent_map.h"
#include "storage/local/state_reader.h"

namespace scoutlight::storage {

// Records as the latest state has them, those that were written last: who writes a key again need not search the engine's tables for what
// it holds. The leader's, who alone changes the latest state; not thread-safe.
class LatestRecords {
 public:
  // By the bytes of path and record of each, and a constant for what holds them.
  static constexpr size_t kBytesMax = size_t{8} << 20;
  // A larger record is not kept.
  static constexpr size_t kRecordBytesMax = size_t{16} << 10;

  // The record at `path`; nullptr: not known here. Valid until the next call that is not const.
  const std::string* Find(absl::string_view path) const { return records_.Find(path); }

  // Batches are written that have left `record` at `path`; nullopt: nothing.
  void Set(absl::string_view path, std::optional<std::string> record);
  // The latest state may have anything in it.
  void Clear();

 private:
  // By path, in order of writing.
  RecentMap<std::string> records_{kBytesMax};
};

// The latest state of a snapshot, of which some records are known. `known` outlives it, and is of that state.
class KnownState : public LatestState {
 public:
  KnownState(std::shared_ptr<const Snapshot> snapshot, const LatestRecords* known) : LatestState(std::move(snapshot)), known_(*known) {}

  absl::StatusOr<std::optional<std::string>> Lookup(absl::string_view path) const override;

 private:
  const LatestRecords& known_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_LATEST_RECORDS_H_

#ifndef SCOUTLIGHT_STORAGE_LOCAL_LATEST_RECORDS_H_
#define SCOUTLIGHT_STORAGE_LOCAL_LATEST_RECORDS_H_

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
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
  const std::string* Find(absl::string_view path) const;

  // Batches are written that have left `record` at `path`; nullopt: nothing.
  void Set(absl::string_view path, std::optional<std::string> record);
  // The latest state may have anything in it.
  void Clear();

 private:
  struct Kept {
    std::string path;
    std::string record;
  };
  // In order of writing, the last written first.
  using Writes = std::list<Kept>;

  static size_t BytesOf(const Kept& kept);
  void Drop(Writes::iterator write);

  Writes writes_;
  // By the path that is in `writes_`.
  absl::flat_hash_map<absl::string_view, Writes::iterator> places_;
  size_t bytes_ = 0;
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

#ifndef SCOUTLIGHT_STORAGE_LOCAL_RANGE_READER_H_
#define SCOUTLIGHT_STORAGE_LOCAL_RANGE_READER_H_

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/entry.h"
#include "base/key.h"
#include "storage/local/state_reader.h"

namespace scoutlight::storage {

// What a RangeReader is to find.
struct RangeRequest {
  KeyRange range;
  std::optional<Key> after;  // Begin behind this entry of the range.
  bool keys_only = false;
  bool show_system = true;  // Whether a range above /.scoutlight includes it.
  bool branches = true;     // Whether kChildren gives children without a value too.
  int entries_max = std::numeric_limits<int>::max();
  size_t bytes_max = std::numeric_limits<size_t>::max();  // By EntryBytes; one entry always fits.
};

// Finds the entries of a range in one state, in key order, in steps, so that long work can move to another thread. The cost follows what
// is found: children are reached by one seek each, whatever lies below them. Not thread-safe.
class RangeReader {
 public:
  // Keeps `state` alive as long as itself when it is shared; otherwise the caller does.
  RangeReader(std::shared_ptr<const StateReader> state, RangeRequest request);

  // Goes on for at most `steps_max` movements of the cursor. True: finished, or failed.
  bool Run(int steps_max);

  // When finished:
  absl::Status status() const { return status_; }
  bool more() const { return more_; }  // There was more than entries_max or bytes_max.
  std::vector<Entry> TakeEntries() { return std::move(entries_); }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  void Start();
  void StepKey();
  void StepChildren();
  void StepSubtree();
  // Adds an entry made of the record under the cursor (or a branch without one); false: it did not fit.
  bool Add(Entry entry);
  // Decodes the entry under the cursor. False: damaged, status_ says so.
  bool DecodeHere(Entry* entry);
  // Whether the cursor stands below `path`.
  bool IsBelow(absl::string_view path) const;
  // Leaves the system tree if the cursor is in it and it is not to be shown. True: the cursor moved.
  bool SkipSystem();
  void Finish() { finished_ = true; }

  const std::shared_ptr<const StateReader> state_;
  const RangeRequest request_;
  const std::string path_;  // Of the range's key.
  const std::string end_;   // Of its subtree.
  const bool hide_system_;
  std::unique_ptr<Cursor> cursor_;
  bool finished_ = false;
  bool more_ = false;
  size_t bytes_ = 0;
  absl::Status status_;
  std::vector<Entry> entries_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_RANGE_READER_H_

#ifndef SCOUTLIGHT_STORAGE_LOCAL_PAST_ENTRIES_H_
#define SCOUTLIGHT_STORAGE_LOCAL_PAST_ENTRIES_H_

#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "storage/local/recent_map.h"

namespace scoutlight::storage {

// Entries as states of before had them, those that were read last. What a published state had it has for ever, so what is here is right;
// whether that state may still be read is for who asks to see. Thread-safe.
class PastEntries {
 public:
  // By EntryBytes of each, its key and a constant for what holds it.
  static constexpr size_t kBytesMax = size_t{8} << 20;
  // A larger entry is not kept.
  static constexpr size_t kEntryBytesMax = size_t{16} << 10;

  // The entry at `path` (Key::path) in the state of `revision`; nullopt: not known here.
  std::optional<Entry> Find(absl::string_view path, Revision revision);

  // `entry` was read, with its `has_children`, in the state of `revision`, which could be read all the while.
  void Keep(const Entry& entry, Revision revision);

 private:
  using Kept = RecentMap<std::shared_ptr<const Entry>>;
  static constexpr size_t kShards = 16;
  struct Shard {
    Mutex mu;
    Kept kept ABSL_GUARDED_BY(mu){kBytesMax / kShards};
  };

  Shard& ShardOf(absl::string_view key);

  std::array<Shard, kShards> shards_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_PAST_ENTRIES_H_

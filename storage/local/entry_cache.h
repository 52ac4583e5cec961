#ifndef SCOUTLIGHT_STORAGE_LOCAL_ENTRY_CACHE_H_
#define SCOUTLIGHT_STORAGE_LOCAL_ENTRY_CACHE_H_

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "storage/local/recent_map.h"

namespace scoutlight::storage {

// Entries as the latest state has them, those that were read last: so that who reads them again need not search the engine's tables, nor
// for what lies below them. The leader forgets what a batch changes before it publishes the view that shows it. So what is here with a
// `read_at` not behind a view's revision, and was found after that view was loaded, is what that view shows. Thread-safe.
class EntryCache {
 public:
  // By EntryBytes of each, its path and a constant for what holds it.
  static constexpr size_t kBytesMax = size_t{16} << 20;
  // A larger entry is not kept.
  static constexpr size_t kEntryBytesMax = size_t{16} << 10;

  // The entry at `path` (Key::path) in the view of revision `at`; nullopt: not known here.
  std::optional<Entry> Find(absl::string_view path, Revision at);

  // `entry` was read, with its `has_children`, in the view of revision `read_at`. Does nothing if a batch may have changed it since.
  void Keep(const Entry& entry, Revision read_at);

  // Called with every batch, before its view is published.
  void Forget(const std::vector<std::shared_ptr<const Batch>>& batches);
  // The next view may have anything in it. Called before it is published; its revision is `revision`.
  void ForgetAll(Revision revision);

 private:
  struct Found {
    std::shared_ptr<const Entry> entry;
    Revision read_at = 0;
  };
  using Kept = RecentMap<Found>;

  static constexpr size_t kShards = 16;
  struct Shard {
    Mutex mu;
    Kept kept ABSL_GUARDED_BY(mu){kBytesMax / kShards};  // By path.
    // Of the last batch that changed something that belongs here: what was read before that is not taken.
    Revision changed ABSL_GUARDED_BY(mu) = 0;
  };

  Shard& ShardOf(absl::string_view path);
  void ForgetPath(absl::string_view path, Revision revision);

  std::array<Shard, kShards> shards_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_ENTRY_CACHE_H_

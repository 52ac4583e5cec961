#include "storage/local/entry_cache.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"

namespace scoutlight::storage {

EntryCache::Shard& EntryCache::ShardOf(absl::string_view path) {
  // By the upper bits: the shard's table goes by the lower ones.
  static_assert(kShards == 16);
  return shards_[uint64_t{absl::Hash<absl::string_view>()(path)} >> 60];
}

std::optional<Entry> EntryCache::Find(absl::string_view path, Revision at) {
  Shard& shard = ShardOf(path);
  std::shared_ptr<const Entry> entry;
  {
    MutexLock lock(&shard.mu);
    const Found* const found = shard.kept.Use(path);
    if (found == nullptr || found->read_at > at) return std::nullopt;
    entry = found->entry;
  }
  return *entry;
}

void EntryCache::Keep(const Entry& entry, Revision read_at) {
  const size_t bytes = EntryBytes(entry);
  if (bytes > kEntryBytesMax) return;
  Found found{.entry = std::make_shared<const Entry>(entry), .read_at = read_at};
  const std::string& path = found.entry->key.path();
  Shard& shard = ShardOf(path);
  Kept::Uses dropped;
  MutexLock lock(&shard.mu);
  if (read_at < shard.changed || shard.kept.Find(path) != nullptr) return;
  shard.kept.Set(path, std::move(found), bytes + sizeof(Entry), &dropped);
}

void EntryCache::Forget(const std::vector<std::shared_ptr<const Batch>>& batches) {
  absl::flat_hash_set<absl::string_view> climbed;
  for (const std::shared_ptr<const Batch>& batch : batches) {
    climbed.clear();
    for (const Event& event : batch->events) {
      absl::string_view path = event.key.path();
      ForgetPath(path, batch->revision);
      if (event.kind == EventKind::kPut && event.entry.version > 1) continue;
      // It came or went: those above may have something below them now, or nothing more.
      for (size_t end = path.rfind('/'); end != 0 && end != absl::string_view::npos; end = path.rfind('/')) {
        path = path.substr(0, end);
        if (!climbed.insert(path).second) break;
        ForgetPath(path, batch->revision);
      }
    }
  }
}

void EntryCache::ForgetAll(Revision revision) {
  for (Shard& shard : shards_) {
    Kept::Uses dropped;
    MutexLock lock(&shard.mu);
    shard.kept.Clear(&dropped);
    shard.changed = revision;
  }
}

void EntryCache::ForgetPath(absl::string_view path, Revision revision) {
  Shard& shard = ShardOf(path);
  Kept::Uses dropped;
  MutexLock lock(&shard.mu);
  shard.changed = revision;
  shard.kept.Erase(path, &dropped);
}

}  // namespace scoutlight::storage

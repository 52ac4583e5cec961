#include "storage/local/entry_cache.h"

#include <iterator>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"

namespace scoutlight::storage {
namespace {

constexpr size_t kPlaceBytes = 224;

size_t BytesOf(const Entry& entry) { return EntryBytes(entry) + kPlaceBytes; }

}  // namespace

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
    const auto found = shard.places.find(path);
    if (found == shard.places.end() || found->second->read_at > at) return std::nullopt;
    shard.uses.splice(shard.uses.begin(), shard.uses, found->second);
    entry = found->second->entry;
  }
  return *entry;
}

void EntryCache::Keep(const Entry& entry, Revision read_at) {
  if (EntryBytes(entry) > kEntryBytesMax) return;
  const size_t bytes = BytesOf(entry);
  Uses added;
  added.push_front({.entry = std::make_shared<const Entry>(entry), .read_at = read_at});
  Shard& shard = ShardOf(entry.key.path());
  Uses dropped;
  MutexLock lock(&shard.mu);
  if (read_at < shard.changed || shard.places.contains(entry.key.path())) return;
  shard.uses.splice(shard.uses.begin(), added);
  shard.places.emplace(shard.uses.front().entry->key.path(), shard.uses.begin());
  shard.bytes += bytes;
  while (shard.bytes > kBytesMax / kShards) shard.Drop(std::prev(shard.uses.end()), &dropped);
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
    Uses dropped;
    MutexLock lock(&shard.mu);
    shard.places.clear();
    dropped.swap(shard.uses);
    shard.bytes = 0;
    shard.changed = revision;
  }
}

void EntryCache::ForgetPath(absl::string_view path, Revision revision) {
  Shard& shard = ShardOf(path);
  Uses dropped;
  MutexLock lock(&shard.mu);
  shard.changed = revision;
  if (const auto found = shard.places.find(path); found != shard.places.end()) shard.Drop(found->second, &dropped);
}

void EntryCache::Shard::Drop(Uses::iterator use, Uses* dropped) {
  bytes -= BytesOf(*use->entry);
  places.erase(use->entry->key.path());
  dropped->splice(dropped->begin(), uses, use);
}

}  // namespace scoutlight::storage

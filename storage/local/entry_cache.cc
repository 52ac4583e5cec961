#include "storage/local/entry_cache.h"

#include <iterator>

#include "absl/hash/hash.h"

namespace scoutlight::storage {
namespace {

constexpr size_t kPlaceBytes = 192;

size_t BytesOf(const Entry& entry) { return EntryBytes(entry) + kPlaceBytes; }

}  // namespace

EntryCache::Shard& EntryCache::ShardOf(absl::string_view path) { return shards_[absl::Hash<absl::string_view>()(path) % kShards]; }

std::optional<Entry> EntryCache::Find(absl::string_view path, Revision at) {
  Shard& shard = ShardOf(path);
  MutexLock lock(&shard.mu);
  const auto found = shard.places.find(path);
  if (found == shard.places.end() || found->second->read_at > at) return std::nullopt;
  shard.uses.splice(shard.uses.begin(), shard.uses, found->second);
  return found->second->entry;
}

void EntryCache::Keep(const Entry& entry, Revision read_at) {
  if (EntryBytes(entry) > kEntryBytesMax) return;
  Shard& shard = ShardOf(entry.key.path());
  MutexLock lock(&shard.mu);
  if (read_at < shard.changed || shard.places.contains(entry.key.path())) return;
  shard.uses.push_front({.entry = entry, .read_at = read_at});
  shard.places.emplace(shard.uses.front().entry.key.path(), shard.uses.begin());
  shard.bytes += BytesOf(entry);
  while (shard.bytes > kBytesMax / kShards) shard.Drop(std::prev(shard.uses.end()));
}

void EntryCache::Forget(const std::vector<std::shared_ptr<const Batch>>& batches) {
  for (const std::shared_ptr<const Batch>& batch : batches) {
    for (const Event& event : batch->events) {
      absl::string_view path = event.key.path();
      ForgetPath(path, batch->revision);
      if (event.kind == EventKind::kPut && event.entry.version > 1) continue;
      // It came or went: those above may have something below them now, or nothing more.
      for (size_t end = path.rfind('/'); end != 0 && end != absl::string_view::npos; end = path.rfind('/')) {
        path = path.substr(0, end);
        ForgetPath(path, batch->revision);
      }
    }
  }
}

void EntryCache::ForgetAll(Revision revision) {
  for (Shard& shard : shards_) {
    MutexLock lock(&shard.mu);
    shard.places.clear();
    shard.uses.clear();
    shard.bytes = 0;
    shard.changed = revision;
  }
}

void EntryCache::ForgetPath(absl::string_view path, Revision revision) {
  Shard& shard = ShardOf(path);
  MutexLock lock(&shard.mu);
  shard.changed = revision;
  if (const auto found = shard.places.find(path); found != shard.places.end()) shard.Drop(found->second);
}

void EntryCache::Shard::Drop(Uses::iterator use) {
  bytes -= BytesOf(use->entry);
  places.erase(use->entry.key.path());
  uses.erase(use);
}

}  // namespace scoutlight::storage

#include "storage/local/past_entries.h"

#include <cstdint>
#include <string>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "storage/local/layout.h"

namespace scoutlight::storage {
namespace {

std::string KeyOf(absl::string_view path, Revision revision) {
  return absl::StrCat(layout::EncodeU64(static_cast<uint64_t>(revision)), path);
}

}  // namespace

PastEntries::Shard& PastEntries::ShardOf(absl::string_view key) {
  // By the upper bits: the shard's table goes by the lower ones.
  static_assert(kShards == 16);
  return shards_[uint64_t{absl::Hash<absl::string_view>()(key)} >> 60];
}

std::optional<Entry> PastEntries::Find(absl::string_view path, Revision revision) {
  const std::string key = KeyOf(path, revision);
  Shard& shard = ShardOf(key);
  std::shared_ptr<const Entry> entry;
  {
    MutexLock lock(&shard.mu);
    const std::shared_ptr<const Entry>* const found = shard.kept.Use(key);
    if (found == nullptr) return std::nullopt;
    entry = *found;
  }
  return *entry;
}

void PastEntries::Keep(const Entry& entry, Revision revision) {
  const size_t bytes = EntryBytes(entry);
  if (bytes > kEntryBytesMax) return;
  const std::string key = KeyOf(entry.key.path(), revision);
  auto kept = std::make_shared<const Entry>(entry);
  Shard& shard = ShardOf(key);
  Kept::Uses dropped;
  MutexLock lock(&shard.mu);
  shard.kept.Set(key, std::move(kept), bytes + sizeof(Entry), &dropped);
}

}  // namespace scoutlight::storage

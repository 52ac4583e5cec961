#ifndef SCOUTLIGHT_DISCOVERY_SERVICE_SNAPSHOT_H_
#define SCOUTLIGHT_DISCOVERY_SERVICE_SNAPSHOT_H_

#include <functional>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "discovery/instance.h"

namespace scoutlight::discovery {

using InstancePtr = std::shared_ptr<const Instance>;

// The instances of one service at one time, by id. They lie in chunks that the snapshots before and after share as long as nothing in them
// changed: a new one costs what has changed, and one pointer for each chunk. Immutable, shared as shared_ptr<const ServiceSnapshot>;
// thread-safe.
class ServiceSnapshot {
 public:
  using Chunk = std::vector<InstancePtr>;  // By id, never empty.
  using ChunkPtr = std::shared_ptr<const Chunk>;
  static constexpr size_t kChunkInstancesMax = 64;

  // No instances, of a catalog that came after those with lesser numbers.
  explicit ServiceSnapshot(uint64_t catalog = 0) : catalog_(catalog) {}

  // The snapshot after `changes`: an id and what it is now; null: it is gone. Ids that do not differ from before may be among them.
  // In order of id, each once.
  using Changes = std::vector<std::pair<std::string, InstancePtr>>;
  std::shared_ptr<const ServiceSnapshot> With(const Changes& changes, Revision revision) const;

  // Up to where the catalog had come when it was made: everything up to there is in it.
  Revision revision() const { return revision_; }
  // Whether it shows what `other` does not yet. Revisions tell only within one catalog: the next one reads other schemas in the same
  // entries. What is not stored, soft values and holds, changes without a revision.
  bool IsNewerThan(const ServiceSnapshot& other) const {
    return std::tie(catalog_, revision_, version_) > std::tie(other.catalog_, other.revision_, other.version_);
  }
  size_t size() const { return size_; }
  size_t resolvable() const { return resolvable_; }
  size_t held() const { return held_; }  // Though their owners were lost.

  // Null: it is not there.
  InstancePtr Find(absl::string_view id) const;
  // Calls `show` for each whose id is greater than `after`, in order, until it answers false.
  void ForEachAfter(absl::string_view after, const std::function<bool(const InstancePtr&)>& show) const;
  const std::vector<ChunkPtr>& chunks() const { return chunks_; }

 private:
  // Behind the chunks there are: what the changes in [change, end) make of `before`; null: of nothing.
  void Append(const ChunkPtr& before, Changes::const_iterator change, Changes::const_iterator end);

  const uint64_t catalog_;
  std::vector<ChunkPtr> chunks_;
  Revision revision_ = 0;
  uint64_t version_ = 0;  // Of the snapshots after each other.
  size_t size_ = 0;
  size_t resolvable_ = 0;
  size_t held_ = 0;
};

using SnapshotPtr = std::shared_ptr<const ServiceSnapshot>;

// Shows every instance that differs between two snapshots, in order of id: as it was (null: it was not there) and as it is (null: it is
// gone). Passes over chunks that both share. Either may be null, as if it had no instances.
void ForEachDifference(const ServiceSnapshot* before, const ServiceSnapshot* after,
                       const std::function<void(const InstancePtr& was, const InstancePtr& is)>& show);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_SERVICE_SNAPSHOT_H_

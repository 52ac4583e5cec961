#ifndef SCOUTLIGHT_STORAGE_MEMORY_VERSIONS_H_
#define SCOUTLIGHT_STORAGE_MEMORY_VERSIONS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace scoutlight::storage {

// Numbers the writes of a memory engine. A snapshot is the number of the last write it shows.
using Sequence = uint64_t;

// What one key held from one write on. Values are shared with cursors, so that a cursor's view outlives a writer's pruning.
struct Version {
  Sequence sequence = 0;
  std::shared_ptr<const std::string> value;  // nullptr: deleted.
};

// The versions of one key, ascending; the first is no deletion.
using Versions = std::vector<Version>;

struct BytesLess {
  using is_transparent = void;
  bool operator()(absl::string_view a, absl::string_view b) const { return a < b; }
};
using VersionMap = std::map<std::string, Versions, BytesLess>;

// What `versions` show at `sequence`; nullptr: nothing.
inline const std::shared_ptr<const std::string>* FindVisible(const Versions& versions, Sequence sequence) {
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    if (version->sequence <= sequence) return version->value == nullptr ? nullptr : &version->value;
  }
  return nullptr;
}

// Removes the versions that neither the latest state nor one of `snapshots` shows. What is left may be empty.
inline void PruneVersions(const std::multiset<Sequence>& snapshots, Versions& versions) {
  const auto shown = [&snapshots, &versions](size_t i) {
    if (i + 1 == versions.size()) return true;
    const auto snapshot = snapshots.lower_bound(versions[i].sequence);
    return snapshot != snapshots.end() && *snapshot < versions[i + 1].sequence;
  };
  Versions kept;
  for (size_t i = 0; i < versions.size(); ++i) {
    const bool deletion_of_nothing = kept.empty() && versions[i].value == nullptr;
    if (!deletion_of_nothing && shown(i)) kept.push_back(versions[i]);
  }
  versions = std::move(kept);
}

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_MEMORY_VERSIONS_H_

#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_LEAST_USED_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_LEAST_USED_H_

#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "discovery/strategy/picker.h"

namespace scoutlight::discovery {

class JusticeTable;

// The justice table of the Python ScoutLight: who was picked least often is picked next, among equals the one that waits longest; a
// newcomer enters at the lowest count there is, so that it is not flooded until it has caught up. Counts are kept over snapshots, by id,
// for those in the newest one.
class LeastUsed : public Strategy {
 public:
  std::unique_ptr<Picker> NewPicker(SharedCandidates candidates) override;

 private:
  absl::flat_hash_map<uint64_t, uint64_t> CountsSoFar() const;

  SharedCandidates candidates_;          // Those of `table_`.
  std::shared_ptr<JusticeTable> table_;  // Of the newest picker; null: there was none.
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_LEAST_USED_H_

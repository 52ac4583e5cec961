#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_ZONE_PREFERENCE_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_ZONE_PREFERENCE_H_

#include <cstdint>
#include <memory>

#include "discovery/strategy/picker.h"

namespace scoutlight::discovery {

// Another strategy over the candidates of the caller's zone; what they cannot carry spills over to the others. After Envoy's priority
// levels
// ("Priority levels", load balancing documentation): the zone takes min(1, 1.4 * capacity) of the picks, where capacity is the mean over
// its candidates of health (passing 1, warning 1/2, critical 0) times room (1 up to a load of 0.8, from there falling to 0 at a load of 1;
// 1 if no load is known). Critical ones count for that, and are never picked. Without candidates in the zone all picks go to the others,
// without others all stay. An affinity key stays on its side until the share changes, and then only as many keys move as the share says.
class ZonePreference : public Strategy {
 public:
  // `zone` is HashName of the caller's zone. Two strategies of one kind, because each remembers its own candidates.
  ZonePreference(uint64_t zone, std::unique_ptr<Strategy> local, std::unique_ptr<Strategy> others);

  std::unique_ptr<Picker> NewPicker(SharedCandidates candidates) override;

 private:
  const uint64_t zone_;
  const std::unique_ptr<Strategy> local_;
  const std::unique_ptr<Strategy> others_;
};

// What the zone keeps of the picks: 0..1.
double LocalShare(const CandidateList& candidates, uint64_t zone);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_ZONE_PREFERENCE_H_

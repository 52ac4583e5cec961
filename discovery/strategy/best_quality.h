#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_BEST_QUALITY_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_BEST_QUALITY_H_

#include <algorithm>

#include "discovery/strategy/ranked.h"

namespace scoutlight::discovery {

// The best health; among those the highest reliability * (1 - load), the share of work that is likely done: the more reliable, the less
// occupied, as the Python ScoutLight asks of its strategies. Equals take turns. Who tells no load or reliability counts as the mean of the
// others, or as idle and reliable if nobody tells; a load over 1 counts as 1.
class BestQuality : public Ranked {
 public:
  BestQuality() : Ranked(ScoresOf) {}

 private:
  static std::vector<double> ScoresOf(const CandidateList& candidates) {
    const std::vector<double> loads = KnownLoads(candidates, 0);
    const std::vector<double> reliabilities = KnownReliabilities(candidates, 1);
    std::vector<double> scores;
    scores.reserve(candidates.size());
    for (size_t i = 0; i < candidates.size(); ++i) {
      // Quality is within 0..1, so health, in steps of 2, goes before it.
      const double quality = reliabilities[i] * (1 - std::min(loads[i], 1.0));
      scores.push_back(quality - 2 * static_cast<int>(candidates[i].health));
    }
    return scores;
  }
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_BEST_QUALITY_H_

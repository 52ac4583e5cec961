#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_LEAST_LOADED_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_LEAST_LOADED_H_

#include "discovery/strategy/ranked.h"

namespace scoutlight::discovery {

// The lowest load that was reported; who reports none counts as the mean of the others, equals take turns (join the shortest queue: Haight,
// "Two queues in parallel", Biometrika 1958). Loads are as old as the snapshot, so many callers run to the same one until it tells: with
// many, take power of two choices (Mitzenmacher, "How useful is old information?", 2000).
class LeastLoaded : public Ranked {
 public:
  LeastLoaded() : Ranked(ScoresOf) {}

 private:
  static std::vector<double> ScoresOf(const CandidateList& candidates) {
    std::vector<double> scores = KnownLoads(candidates, 0);
    for (double& score : scores) score = -score;
    return scores;
  }
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_LEAST_LOADED_H_

#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_WEIGHTED_ROUND_ROBIN_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_WEIGHTED_ROUND_ROBIN_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "discovery/strategy/picker.h"

namespace scoutlight::discovery {

// Shares as the weights, spread evenly: weights 5, 1, 1 give a a b a c a a (nginx, ngx_http_upstream_get_peer, "smooth weighted
// round-robin", 2012). One whole round is laid out when a snapshot comes, so a pick is one look-up; a new
// snapshot goes on at the turn where the one before stopped. Weight 0 is never picked, unless all have it: then all have 1.
class WeightedRoundRobin : public Strategy {
 public:
  std::unique_ptr<Picker> NewPicker(SharedCandidates candidates) override;

 private:
  // Relaxed: a turn orders nothing but itself.
  std::shared_ptr<std::atomic<uint64_t>> turn_ = std::make_shared<std::atomic<uint64_t>>(0);
};

// The weights as integers: exactly, divided by what they share, if they are integers and their sum is then at most `sum_max`; else in
// proportion, rounded, with a sum near `sum_max`, at least 1 for every weight above 0. For the whole round to be laid out.
std::vector<int64_t> WholeWeights(const CandidateList& candidates, int64_t sum_max);

// One round of nginx's algorithm: for each turn the place that is picked. Costs turns times different weights.
std::vector<int> SmoothRound(const std::vector<int64_t>& weights);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_WEIGHTED_ROUND_ROBIN_H_

#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_RANKED_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_RANKED_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "discovery/strategy/picker.h"

namespace scoutlight::discovery {

// Picks the first of an order; those that share the first rank take turns, which go on from snapshot to snapshot, and when all of them are
// avoided the next in the order is taken. For strategies that only differ in what they call better.
class Ranked : public Strategy {
 public:
  std::unique_ptr<Picker> NewPicker(SharedCandidates candidates) override;

 protected:
  // Of each place; more is better.
  using Scores = std::vector<double> (*)(const CandidateList&);

  explicit Ranked(Scores scores) : scores_(scores) {}

 private:
  const Scores scores_;
  // Relaxed: a turn orders nothing but itself.
  const std::shared_ptr<std::atomic<uint64_t>> turn_ = std::make_shared<std::atomic<uint64_t>>(0);
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_RANKED_H_

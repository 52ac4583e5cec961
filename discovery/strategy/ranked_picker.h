#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_RANKED_PICKER_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_RANKED_PICKER_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "discovery/strategy/picker.h"

namespace scoutlight::discovery {

// Picks the first of an order; those that share the first rank take turns, and when all of them are avoided the next in the order is taken.
// For strategies that only differ in what they call better.
class RankedPicker : public Picker {
 public:
  int Pick(const PickRequest& request) override;

 protected:
  // `scores`: of each place, more is better.
  explicit RankedPicker(const std::vector<double>& scores);

 private:
  std::vector<int> order_;         // Places, best first.
  int best_ = 0;                   // How many of them share the first rank.
  std::atomic<uint64_t> turn_{0};  // Relaxed: a turn orders nothing but itself.
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_RANKED_PICKER_H_

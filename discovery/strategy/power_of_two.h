#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_POWER_OF_TWO_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_POWER_OF_TWO_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "discovery/strategy/picker.h"

namespace scoutlight::discovery {

// The better of two drawn at random: of lower load, among equals the one that this picker picked less often (Mitzenmacher, "The power of
// two choices in randomized load balancing", 1996: the fullest of n then has log log n above the mean, not log n / log log n). Bears old
// loads, because no one candidate draws all. Who reports no load counts as the mean of the others.
class PowerOfTwoPicker : public Picker {
 public:
  explicit PowerOfTwoPicker(const SharedCandidates& candidates) : loads_(KnownLoads(*candidates, 0)), picks_(candidates->size()) {}

  int Pick(const PickRequest& request) override {
    const int size = static_cast<int>(loads_.size());
    if (size == 0) return kNoPick;
    int place = Draw(request, size);
    if (place == kNoPick) return kNoPick;
    if (size > 1) {
      // The second is another one: drawn from the rest.
      const int other = (place + 1 + static_cast<int>(request.random->Below(size - 1))) % size;
      if (!request.Avoids(other) && Better(other, place)) place = other;
    }
    picks_[place].fetch_add(1, std::memory_order_relaxed);
    return place;
  }

 private:
  static int Draw(const PickRequest& request, int size) {
    constexpr int kDraws = 8;
    int place = 0;
    for (int draw = 0; draw < kDraws; ++draw) {
      place = static_cast<int>(request.random->Below(size));
      if (!request.Avoids(place)) return place;
    }
    return FirstAllowed(request, place, size);
  }

  bool Better(int a, int b) const {
    if (loads_[a] != loads_[b]) return loads_[a] < loads_[b];
    return picks_[a].load(std::memory_order_relaxed) < picks_[b].load(std::memory_order_relaxed);
  }

  const std::vector<double> loads_;
  // Relaxed: a count that is a little old makes a choice a little worse, no more.
  std::vector<std::atomic<uint64_t>> picks_;
};

using PowerOfTwo = StrategyOf<PowerOfTwoPicker>;

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_POWER_OF_TWO_H_

#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_ROUND_ROBIN_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_ROUND_ROBIN_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "discovery/strategy/picker.h"

namespace scoutlight::discovery {

// One after the other, in the order of the snapshot (Nagle, "On packet switches with infinite storage", RFC 970). A new snapshot goes on
// where the one before stopped, so that frequent changes do not favour the first.
class RoundRobin : public Strategy {
 public:
  std::unique_ptr<Picker> NewPicker(SharedCandidates candidates) override;
  std::unique_ptr<Picker> NewPickerOf(int candidates) override;

 private:
  // Relaxed: a turn orders nothing but itself.
  std::shared_ptr<std::atomic<uint64_t>> turn_ = std::make_shared<std::atomic<uint64_t>>(0);
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_ROUND_ROBIN_H_

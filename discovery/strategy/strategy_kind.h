#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_STRATEGY_KIND_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_STRATEGY_KIND_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace scoutlight::discovery {

// The strategies that come with ScoutLight. On the wire: numbers are never reused.
enum class StrategyKind : uint8_t {
  kRoundRobin = 1,
  kRandom = 2,
  kLeastUsed = 3,
  kWeightedRoundRobin = 4,
  kLeastLoaded = 5,
  kPowerOfTwo = 6,
  kBestQuality = 7,
  kConsistentHash = 8,
};

inline constexpr StrategyKind kAllStrategies[] = {
    StrategyKind::kRoundRobin,  StrategyKind::kRandom,     StrategyKind::kLeastUsed,   StrategyKind::kWeightedRoundRobin,
    StrategyKind::kLeastLoaded, StrategyKind::kPowerOfTwo, StrategyKind::kBestQuality, StrategyKind::kConsistentHash,
};

// "round_robin", "random", "least_used", "weighted_round_robin", "least_loaded", "power_of_two", "best_quality", "consistent_hash", as in
// schemas and configuration. The parser takes exactly these.
absl::string_view StrategyText(StrategyKind kind);
std::optional<StrategyKind> ParseStrategyKind(absl::string_view text);
// All of them, for people: "round_robin, random, ...".
std::string StrategyNames();

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_STRATEGY_KIND_H_

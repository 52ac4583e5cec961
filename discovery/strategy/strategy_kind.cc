#include "discovery/strategy/strategy_kind.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace scoutlight::discovery {

absl::string_view StrategyText(StrategyKind kind) {
  switch (kind) {
    case StrategyKind::kRoundRobin:
      return "round_robin";
    case StrategyKind::kRandom:
      return "random";
    case StrategyKind::kLeastUsed:
      return "least_used";
    case StrategyKind::kWeightedRoundRobin:
      return "weighted_round_robin";
    case StrategyKind::kLeastLoaded:
      return "least_loaded";
    case StrategyKind::kPowerOfTwo:
      return "power_of_two";
    case StrategyKind::kBestQuality:
      return "best_quality";
    case StrategyKind::kConsistentHash:
      return "consistent_hash";
  }
  return "";
}

std::optional<StrategyKind> ParseStrategyKind(absl::string_view text) {
  for (const StrategyKind kind : kAllStrategies) {
    if (StrategyText(kind) == text) return kind;
  }
  return std::nullopt;
}

std::string StrategyNames() {
  return absl::StrJoin(kAllStrategies, ", ", [](std::string* out, StrategyKind kind) { absl::StrAppend(out, StrategyText(kind)); });
}

}  // namespace scoutlight::discovery

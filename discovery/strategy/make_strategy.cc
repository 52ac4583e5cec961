#include "discovery/strategy/make_strategy.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/strategy/best_quality.h"
#include "discovery/strategy/consistent_hash.h"
#include "discovery/strategy/least_loaded.h"
#include "discovery/strategy/least_used.h"
#include "discovery/strategy/power_of_two.h"
#include "discovery/strategy/random_choice.h"
#include "discovery/strategy/round_robin.h"
#include "discovery/strategy/slow_start.h"
#include "discovery/strategy/subset.h"
#include "discovery/strategy/weighted_round_robin.h"
#include "discovery/strategy/zone_preference.h"

namespace scoutlight::discovery {
namespace {

using Maker = std::unique_ptr<Strategy> (*)();

template <typename S>
std::unique_ptr<Strategy> Make() {
  return std::make_unique<S>();
}

// Null: there is no such kind.
Maker MakerOf(StrategyKind kind) {
  switch (kind) {
    case StrategyKind::kRoundRobin:
      return Make<RoundRobin>;
    case StrategyKind::kRandom:
      return Make<RandomChoice>;
    case StrategyKind::kLeastUsed:
      return Make<LeastUsed>;
    case StrategyKind::kWeightedRoundRobin:
      return Make<WeightedRoundRobin>;
    case StrategyKind::kLeastLoaded:
      return Make<LeastLoaded>;
    case StrategyKind::kPowerOfTwo:
      return Make<PowerOfTwo>;
    case StrategyKind::kBestQuality:
      return Make<BestQuality>;
    case StrategyKind::kConsistentHash:
      return Make<ConsistentHash>;
  }
  return nullptr;
}

std::vector<FieldViolation> CheckOptions(const StrategyOptions& options) {
  std::vector<FieldViolation> violations;
  if (options.slow_start < absl::ZeroDuration() || options.slow_start > limits::kSlowStartMax) {
    violations.push_back({"slow_start", absl::StrCat("is ", absl::FormatDuration(options.slow_start), ", 0 to 24h is allowed")});
  }
  if (options.subset < 0 || options.subset > limits::kSubsetMax) {
    violations.push_back({"subset", absl::StrCat("is ", options.subset, ", 0 to ", limits::kSubsetMax, " is allowed")});
  }
  if (options.subset != 0 && options.subset_caller.empty()) violations.push_back({"subset_caller", "is empty, but a subset is wanted"});
  if (options.subset == 0 && !options.subset_caller.empty()) violations.push_back({"subset_caller", "is given, but no subset is wanted"});
  return violations;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Strategy>> ModifyStrategy(const StrategyOptions& options, Maker make) {
  std::vector<FieldViolation> violations = CheckOptions(options);
  if (!violations.empty()) return InvalidFields(Reason::kInvalidField, std::move(violations));
  const auto within_zone = [&options, make] {
    std::unique_ptr<Strategy> strategy = make();
    if (options.slow_start != absl::ZeroDuration()) strategy = std::make_unique<SlowStart>(options.slow_start, std::move(strategy));
    if (options.subset != 0) strategy = std::make_unique<Subset>(options.subset, HashName(options.subset_caller), std::move(strategy));
    return strategy;
  };
  if (options.zone.empty()) return within_zone();
  return std::make_unique<ZonePreference>(HashName(options.zone), within_zone(), within_zone());
}

absl::StatusOr<std::unique_ptr<Strategy>> MakeStrategy(const StrategyOptions& options) {
  const Maker make = MakerOf(options.kind);
  if (make != nullptr) return ModifyStrategy(options, make);
  std::vector<FieldViolation> violations = CheckOptions(options);
  violations.insert(violations.begin(), {"kind", "is no strategy"});
  return InvalidFields(Reason::kInvalidField, std::move(violations));
}

}  // namespace scoutlight::discovery

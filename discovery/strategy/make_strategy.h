#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_MAKE_STRATEGY_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_MAKE_STRATEGY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "discovery/strategy/picker.h"
#include "discovery/strategy/strategy_kind.h"

namespace scoutlight::discovery {

// A strategy and what modifies it: slow start within subset within zone preference.
struct StrategyOptions {
  StrategyKind kind = StrategyKind::kRoundRobin;
  absl::Duration slow_start;  // 0: none.
  int subset = 0;             // 0: all. In a zone and outside of it so many each.
  std::string subset_caller;  // What tells callers apart, when `subset` is set.
  std::string zone;           // The caller's; empty: no preference.
};

// A strategy with its modifiers. kInvalidArgument with every violated field: `kind`, `slow_start` (0 to limits::kSlowStartMax), `subset` (0
// to limits::kSubsetMax), `subset_caller` (with `subset`, and only then). Thread-safe.
absl::StatusOr<std::unique_ptr<Strategy>> MakeStrategy(const StrategyOptions& options);

// The same around a strategy of one's own: `make` is called once or twice, before this returns; `options.kind` is not looked at.
absl::StatusOr<std::unique_ptr<Strategy>> ModifyStrategy(const StrategyOptions& options, std::unique_ptr<Strategy> (*make)());

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_MAKE_STRATEGY_H_

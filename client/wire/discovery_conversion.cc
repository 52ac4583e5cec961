#include "client/wire/discovery_conversion.h"

namespace scoutlight::client {

namespace wire = discovery::v1;
using discovery::StrategyKind;

// The numbers are those of the wire (strategy_kind.h); a test holds them together.
wire::Strategy WireStrategy(std::optional<StrategyKind> kind) {
  return kind.has_value() ? static_cast<wire::Strategy>(*kind) : wire::STRATEGY_UNSPECIFIED;
}

std::optional<StrategyKind> StrategyOf(wire::Strategy strategy) {
  for (const StrategyKind kind : discovery::kAllStrategies) {
    if (WireStrategy(kind) == strategy) return kind;
  }
  return std::nullopt;
}

}  // namespace scoutlight::client

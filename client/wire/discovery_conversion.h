#ifndef SCOUTLIGHT_CLIENT_WIRE_DISCOVERY_CONVERSION_H_
#define SCOUTLIGHT_CLIENT_WIRE_DISCOVERY_CONVERSION_H_

#include <optional>

#include "discovery/strategy/strategy_kind.h"
#include "scoutlight/discovery/v1/discovery.pb.h"

// What the reads of discovery ask and show, beside instances. Thread-safe.
namespace scoutlight::client {

// nullopt: the schema's.
discovery::v1::Strategy WireStrategy(std::optional<discovery::StrategyKind> kind);
// nullopt: one that this version does not know.
std::optional<discovery::StrategyKind> StrategyOf(discovery::v1::Strategy strategy);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_DISCOVERY_CONVERSION_H_

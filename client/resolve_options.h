#ifndef SCOUTLIGHT_CLIENT_RESOLVE_OPTIONS_H_
#define SCOUTLIGHT_CLIENT_RESOLVE_OPTIONS_H_

#include <memory>
#include <optional>
#include <string>

#include "discovery/filter/filter.h"
#include "discovery/strategy/make_strategy.h"
#include "discovery/strategy/picker.h"

namespace scoutlight {

// Makes a strategy of one's own: a class with the method Pick (discovery/strategy/picker.h), say
// `+[]() -> std::unique_ptr<discovery::Strategy> { return std::make_unique<discovery::StrategyOf<MyPicker>>(); }`.
using StrategyMaker = std::unique_ptr<discovery::Strategy> (*)();

// Who takes part in picks of a service, and how one of them is picked. Equal options share their tables.
struct ResolveOptions {
  // In place of the locator's, as a whole: its zone too. nullopt: the locator's.
  std::optional<discovery::StrategyOptions> strategy = std::nullopt;
  // Makes the strategy that `strategy` modifies; its `kind` is not looked at then. One strategy serves all threads. Neither it nor its
  // pickers call the locator. Null: none.
  StrategyMaker own_strategy = nullptr;
  // The name of an endpoint, else a scheme, that the instance must have (discovery::PickEndpoint); empty: any, or none.
  std::string endpoint = {};
  // Without `age`.
  discovery::Filter filter = {};
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_RESOLVE_OPTIONS_H_

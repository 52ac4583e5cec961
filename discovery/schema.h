#ifndef SCOUTLIGHT_DISCOVERY_SCHEMA_H_
#define SCOUTLIGHT_DISCOVERY_SCHEMA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/error.h"
#include "discovery/instance.h"
#include "discovery/layout.h"
#include "discovery/names.h"
#include "discovery/property_definition.h"

namespace scoutlight::discovery {

// How the instances of services are laid out in the store, and what their properties must be. Written once, shared as
// shared_ptr<const Schema>: nothing changes it. The layout of a name is for good: a new layout is a new schema.
struct Schema {
  std::string name;
  int64_t version = 1;  // Grows with each change of the same name.
  Layout layout;
  PropertyRules properties;
  std::string strategy;  // By which its services are resolved when a call names none (strategy/strategy_kind.h); empty: round robin.

  absl::Duration slow_start;  // Likewise, the modifier (strategy/slow_start.h); 0: none. At most limits::kSlowStartMax.

  friend bool operator==(const Schema&, const Schema&) = default;
};

// Every mistake of a schema beside its layout, which is right by construction: fields `name`, `version`, `strategy`, `slow_start`,
// `properties`, `properties.<name>`, `properties.<name>.<field>`, at most limits::kSchemaMistakesMax of them.
std::vector<FieldViolation> CheckSchema(const Schema& schema);

// Every violation of an instance to be registered under `schema`: what CheckInstance finds, then what the schema has against the
// properties. A property that CheckInstance refuses is told once; of more properties than are allowed nothing else is said. Fields as
// CheckInstance. Thread-safe.
std::vector<FieldViolation> CheckInstanceUnder(const Schema& schema, const InstanceName& name, const Properties& properties);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_SCHEMA_H_

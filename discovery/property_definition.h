#ifndef SCOUTLIGHT_DISCOVERY_PROPERTY_DEFINITION_H_
#define SCOUTLIGHT_DISCOVERY_PROPERTY_DEFINITION_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "discovery/instance.h"
#include "discovery/property_type.h"
#include "discovery/regex.h"

namespace scoutlight::discovery {

// What a schema says of one property. Values are texts, as properties are.
struct PropertyDefinition {
  PropertyType type = PropertyType::kString;
  bool required = false;
  std::optional<std::string> default_value;  // Taken where the property is missing; a required one with a default is never missing.
  std::vector<std::string> values;           // kEnum: those allowed.
  std::optional<std::string> min;            // Ordered types: the least and the greatest value allowed.
  std::optional<std::string> max;
  std::optional<Regex> pattern;  // The whole value must match.

  friend bool operator==(const PropertyDefinition&, const PropertyDefinition&) = default;
};

// What is wrong with `value`, in words that go on after the property's name; empty: nothing. `definition` has passed CheckDefinition.
std::string ValueFault(const PropertyDefinition& definition, absl::string_view value);

// Every mistake in a definition: fields `values`, `min`, `max`, `default`. Of an enum at least one value and at most
// limits::kEnumValuesMax different ones; of other types none. A range only of ordered types, of their values, not empty. The default
// must be a value that the definition allows.
std::vector<FieldViolation> CheckDefinition(const PropertyDefinition& definition);

// The properties of a schema. A value; the functions are const and thread-safe.
struct PropertyRules {
  absl::btree_map<std::string, PropertyDefinition> definitions;  // By property.
  bool extra_allowed = true;                                     // Properties without a definition.

  // Every violated property at once, by name: missing, wrong, or not allowed. Empty: the instance may be registered.
  std::vector<Problem> Validate(const Properties& properties) const;

  // Whether each required property is there (or has a default) and valid: what an instance that anyone may have written needs to be
  // resolved. What else Validate finds makes problems of it, no more.
  bool RequiredHold(const Properties& properties) const;

  // `properties` with the defaults of those that are missing.
  Properties WithDefaults(Properties properties) const;

  friend bool operator==(const PropertyRules&, const PropertyRules&) = default;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_PROPERTY_DEFINITION_H_

#include "discovery/schema.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/shown.h"
#include "discovery/names.h"
#include "discovery/strategy/strategy_kind.h"

namespace scoutlight::discovery {
namespace {

void CheckProperties(const PropertyRules& rules, std::vector<FieldViolation>* violations) {
  if (rules.definitions.size() > static_cast<size_t>(limits::kPropertiesMax)) {
    violations->push_back(
        {"properties", absl::StrCat("are ", rules.definitions.size(), ", at most ", limits::kPropertiesMax, " are allowed")});
    return;
  }
  for (const auto& [name, definition] : rules.definitions) {
    const std::string fault = PropertyNameFault(name);
    const std::string field = fault.empty() ? absl::StrCat("properties.", name) : absl::StrCat("properties[", Shown(name), "]");
    if (!fault.empty()) violations->push_back({field, "the name " + fault});
    for (FieldViolation& mistake : CheckDefinition(definition)) {
      violations->push_back({absl::StrCat(field, ".", mistake.field), std::move(mistake.description)});
    }
  }
}

}  // namespace

std::vector<FieldViolation> CheckSchema(const Schema& schema) {
  std::vector<FieldViolation> violations;
  if (std::string fault = SchemaNameFault(schema.name); !fault.empty()) violations.push_back({"name", std::move(fault)});
  if (schema.version < 1) violations.push_back({"version", absl::StrCat("is ", schema.version, ", at least 1 is allowed")});
  if (!schema.strategy.empty() && !ParseStrategyKind(schema.strategy).has_value()) {
    violations.push_back({"strategy", absl::StrCat("is ", Shown(schema.strategy), "; known are ", StrategyNames())});
  }
  if (schema.slow_start < absl::ZeroDuration() || schema.slow_start > limits::kSlowStartMax) {
    violations.push_back({"slow_start", absl::StrCat("is ", absl::FormatDuration(schema.slow_start), ", must be from 0 to ",
                                                     absl::FormatDuration(limits::kSlowStartMax))});
  }
  CheckProperties(schema.properties, &violations);
  violations.resize(std::min(violations.size(), static_cast<size_t>(limits::kSchemaMistakesMax)));
  return violations;
}

std::vector<FieldViolation> CheckInstanceUnder(const Schema& schema, const InstanceName& name, const Properties& properties) {
  std::vector<FieldViolation> violations = CheckInstance(name, properties);
  if (properties.size() > static_cast<size_t>(limits::kPropertiesMax)) return violations;
  absl::flat_hash_set<std::string> told;
  for (const FieldViolation& violation : violations) told.insert(violation.field);
  for (Problem& problem : schema.properties.Validate(properties)) {
    std::string field = absl::StrCat("properties.", problem.property);
    // What is no name has been refused as that.
    if (!PropertyNameFault(problem.property).empty() || told.contains(field)) continue;
    violations.push_back({std::move(field), std::move(problem.message)});
  }
  return violations;
}

}  // namespace scoutlight::discovery

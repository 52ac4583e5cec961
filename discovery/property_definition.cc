#include "discovery/property_definition.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/limits.h"
#include "base/shown.h"

namespace scoutlight::discovery {
namespace {

bool Lists(const std::vector<std::string>& values, absl::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::string EnumFault(const std::vector<std::string>& values, absl::string_view value) {
  if (Lists(values, value)) return "";
  constexpr size_t kShownMax = 8;
  const size_t shown = std::min(values.size(), kShownMax);
  return absl::StrCat("is ", Shown(value), ", allowed are ", absl::StrJoin(values.begin(), values.begin() + shown, ", "),
                      shown < values.size() ? absl::StrCat(" and ", values.size() - shown, " more") : "");
}

void CheckValues(const PropertyDefinition& definition, std::vector<FieldViolation>* violations) {
  const size_t count = definition.values.size();
  if (definition.type != PropertyType::kEnum) {
    if (count != 0) violations->push_back({"values", absl::StrCat("are for an enum, not for a ", PropertyTypeText(definition.type))});
    return;
  }
  if (count == 0) violations->push_back({"values", "are missing: an enum lists what is allowed"});
  if (count > static_cast<size_t>(limits::kEnumValuesMax)) {
    violations->push_back({"values", absl::StrCat("are ", count, ", at most ", limits::kEnumValuesMax, " are allowed")});
    return;
  }
  absl::flat_hash_set<absl::string_view> seen;
  for (const std::string& value : definition.values) {
    if (!seen.insert(value).second) violations->push_back({"values", absl::StrCat("list ", Shown(value), " twice")});
  }
}

void CheckRange(const PropertyDefinition& definition, std::vector<FieldViolation>* violations) {
  const std::pair<const char*, const std::optional<std::string>*> ends[] = {{"min", &definition.min}, {"max", &definition.max}};
  bool comparable = true;
  for (const auto& [field, end] : ends) {
    if (!end->has_value()) {
      comparable = false;
    } else if (!IsOrdered(definition.type)) {
      comparable = false;
      violations->push_back(
          {field, absl::StrCat("is for an integer, number, port or duration, not for a ", PropertyTypeText(definition.type))});
    } else if (std::string fault = TypeFault(definition.type, **end); !fault.empty()) {
      comparable = false;
      violations->push_back({field, std::move(fault)});
    }
  }
  if (comparable && CompareOrdered(definition.type, *definition.min, *definition.max) > 0) {
    violations->push_back({"min", absl::StrCat("is ", *definition.min, ", more than the max of ", *definition.max)});
  }
}

}  // namespace

std::string ValueFault(const PropertyDefinition& definition, absl::string_view value) {
  if (definition.type == PropertyType::kEnum) {
    if (std::string fault = EnumFault(definition.values, value); !fault.empty()) return fault;
  } else if (std::string fault = TypeFault(definition.type, value); !fault.empty()) {
    return fault;
  }
  if (definition.min.has_value() && CompareOrdered(definition.type, value, *definition.min) < 0) {
    return absl::StrCat("is ", value, ", at least ", *definition.min, " is allowed");
  }
  if (definition.max.has_value() && CompareOrdered(definition.type, value, *definition.max) > 0) {
    return absl::StrCat("is ", value, ", at most ", *definition.max, " is allowed");
  }
  if (definition.pattern.has_value() && !definition.pattern->Matches(value)) {
    return absl::StrCat("is ", Shown(value), ", which does not match ", Shown(definition.pattern->text()));
  }
  return "";
}

std::vector<FieldViolation> CheckDefinition(const PropertyDefinition& definition) {
  std::vector<FieldViolation> violations;
  CheckValues(definition, &violations);
  CheckRange(definition, &violations);
  // A default is only held against a definition that is sound so far.
  if (violations.empty() && definition.default_value.has_value()) {
    if (std::string fault = ValueFault(definition, *definition.default_value); !fault.empty()) {
      violations.push_back({"default", std::move(fault)});
    }
  }
  return violations;
}

std::vector<Problem> PropertyRules::Validate(const Properties& properties) const {
  std::vector<Problem> problems;
  for (const auto& [name, definition] : definitions) {
    if (definition.required && !definition.default_value.has_value() && !properties.contains(name)) {
      problems.push_back({name, "is missing"});
    }
  }
  for (const auto& [name, value] : properties) {
    const auto definition = definitions.find(name);
    if (definition == definitions.end()) {
      if (!extra_allowed) problems.push_back({name, "is not a property of the schema, which allows no others"});
    } else if (std::string fault = ValueFault(definition->second, value); !fault.empty()) {
      problems.push_back({name, std::move(fault)});
    }
  }
  // A property is in one of the two runs, each of which is sorted.
  std::sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) { return a.property < b.property; });
  return problems;
}

bool PropertyRules::RequiredHold(const Properties& properties) const {
  for (const auto& [name, definition] : definitions) {
    if (!definition.required) continue;
    const std::string* const value = FindProperty(properties, name);
    if (value == nullptr ? !definition.default_value.has_value() : !ValueFault(definition, *value).empty()) return false;
  }
  return true;
}

Properties PropertyRules::WithDefaults(Properties properties) const {
  for (const auto& [name, definition] : definitions) {
    if (definition.default_value.has_value()) properties.try_emplace(name, *definition.default_value);
  }
  return properties;
}

}  // namespace scoutlight::discovery

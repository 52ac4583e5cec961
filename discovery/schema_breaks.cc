#include "discovery/schema_breaks.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/shown.h"
#include "discovery/names.h"

namespace scoutlight::discovery {
namespace {

// Whether every text of type `from` is one of type `to`.
bool Widens(PropertyType from, PropertyType to) {
  if (from == to || to == PropertyType::kString) return true;
  if (from == PropertyType::kPort) return to == PropertyType::kInteger || to == PropertyType::kNumber;
  return from == PropertyType::kInteger && to == PropertyType::kNumber;
}

// The least (`sign` 1) or greatest (-1) value of an ordered definition; nullopt: there is none.
std::optional<std::string> End(const PropertyDefinition& definition, int sign) {
  const std::optional<std::string>& end = sign > 0 ? definition.min : definition.max;
  if (!end.has_value() && definition.type == PropertyType::kPort) return sign > 0 ? "1" : "65535";
  return end;
}

class DefinitionBreaks {
 public:
  DefinitionBreaks(absl::string_view name, const PropertyDefinition& previous, const PropertyDefinition& next,
                   std::vector<FieldViolation>* breaks)
      : name_(name), previous_(previous), next_(next), breaks_(*breaks) {}

  void Find() {
    if (next_.type == PropertyType::kEnum) return FindEnum();
    // An enum's values are listed, so they can be tried.
    if (previous_.type == PropertyType::kEnum) return FindListed();
    if (!Widens(previous_.type, next_.type)) {
      return Add("type", absl::StrCat("was ", PropertyTypeText(previous_.type), " and is ", PropertyTypeText(next_.type)));
    }
    if (IsOrdered(next_.type)) {
      FindEnd("min", 1);
      FindEnd("max", -1);
    }
    if (next_.pattern.has_value() && next_.pattern != previous_.pattern) {
      Add("pattern", absl::StrCat(previous_.pattern.has_value() ? "is another one: " : "is new: ", Shown(next_.pattern->text())));
    }
  }

 private:
  void Add(absl::string_view field, std::string description) {
    breaks_.push_back({absl::StrCat("properties.", name_, ".", field), std::move(description)});
  }

  void FindEnum() {
    if (previous_.type != PropertyType::kEnum) return Add("type", absl::StrCat("was ", PropertyTypeText(previous_.type), " and is enum"));
    FindListed();
  }

  void FindListed() {
    for (const std::string& value : previous_.values) {
      if (!ValueFault(previous_, value).empty()) continue;
      if (ValueFault(next_, value).empty()) continue;
      Add(next_.type == PropertyType::kEnum ? "values" : "type", absl::StrCat("allowed ", Shown(value), ", and would not any more"));
    }
  }

  // The end of the range may only move outwards. `sign` 1: the least; -1: the greatest.
  void FindEnd(absl::string_view field, int sign) {
    const std::optional<std::string> now = End(next_, sign);
    if (!now.has_value()) return;
    const std::optional<std::string> before = End(previous_, sign);
    if (!before.has_value()) return Add(field, absl::StrCat("is ", *now, ", before there was none"));
    if (sign * CompareOrdered(next_.type, *now, *before) > 0) Add(field, absl::StrCat("was ", *before, " and is ", *now));
  }

  const absl::string_view name_;
  const PropertyDefinition& previous_;
  const PropertyDefinition& next_;
  std::vector<FieldViolation>& breaks_;
};

// Whether an instance may be without the property.
bool MayMiss(const PropertyDefinition& definition) { return !definition.required || definition.default_value.has_value(); }

void FindPropertyBreaks(const PropertyRules& previous, const PropertyRules& next, std::vector<FieldViolation>* breaks) {
  for (const auto& [name, definition] : next.definitions) {
    const auto before = previous.definitions.find(name);
    const bool is_new = before == previous.definitions.end();
    if (!MayMiss(definition) && (is_new || MayMiss(before->second))) {
      breaks->push_back({absl::StrCat("properties.", name, ".required"), "is required and could be missing so far"});
    }
    if (!is_new) {
      DefinitionBreaks(name, before->second, definition, breaks).Find();
    } else if (previous.extra_allowed) {
      // So far it could hold anything.
      DefinitionBreaks(name, PropertyDefinition(), definition, breaks).Find();
    }
  }
  if (next.extra_allowed) return;
  if (previous.extra_allowed) breaks->push_back({"extra_properties", "were allowed and are no longer"});
  for (const auto& [name, definition] : previous.definitions) {
    if (!next.definitions.contains(name)) breaks->push_back({absl::StrCat("properties.", name), "was allowed and is no longer"});
  }
}

}  // namespace

std::vector<FieldViolation> FindBreaks(const Schema& previous, const Schema& next) {
  std::vector<FieldViolation> breaks;
  if (next.name != previous.name) breaks.push_back({"name", absl::StrCat("was ", previous.name, " and is ", next.name)});
  if (next.version <= previous.version) {
    breaks.push_back({"version", absl::StrCat("is ", next.version, ", more than ", previous.version, " is wanted")});
  }
  if (!(next.layout.pattern() == previous.layout.pattern())) {
    breaks.push_back({"pattern", absl::StrCat("was ", previous.layout.pattern().text(), "; another layout is another schema")});
  }
  if (&next.layout.serializer() != &previous.layout.serializer()) {
    breaks.push_back({"serializer", absl::StrCat("was ", previous.layout.serializer().name(), "; another layout is another schema")});
  }
  FindPropertyBreaks(previous.properties, next.properties, &breaks);
  breaks.resize(std::min(breaks.size(), static_cast<size_t>(limits::kSchemaMistakesMax)));
  return breaks;
}

}  // namespace scoutlight::discovery

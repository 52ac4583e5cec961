#include "discovery/schema_document.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/shown.h"
#include "discovery/bounded_json.h"
#include "discovery/names.h"
#include "discovery/object_reader.h"
#include "discovery/strategy/strategy_kind.h"

namespace scoutlight::discovery {
namespace {

using Json = nlohmann::json;

PropertyDefinition ReadDefinition(const Json& json, std::string path, std::vector<FieldViolation>* mistakes) {
  const size_t before = mistakes->size();
  ObjectReader reader(json, path, mistakes);
  PropertyDefinition definition;
  if (const std::optional<std::string> type = reader.String("type"); type.has_value()) {
    const std::optional<PropertyType> known = ParsePropertyType(*type);
    if (!known.has_value()) reader.AddMistake("type", absl::StrCat("is ", Shown(*type), "; known are ", PropertyTypeNames()));
    definition.type = known.value_or(PropertyType::kString);
  }
  definition.required = reader.Bool("required", false);
  definition.default_value = reader.Scalar("default");
  definition.values = reader.Strings("values");
  definition.min = reader.Scalar("min");
  definition.max = reader.Scalar("max");
  if (const std::optional<std::string> pattern = reader.String("pattern"); pattern.has_value()) {
    absl::StatusOr<Regex> regex = Regex::Parse(*pattern);
    if (regex.ok()) {
      definition.pattern = *std::move(regex);
    } else {
      reader.AddMistake("pattern", regex.status().message());
    }
  }
  reader.RefuseOthers();
  // Of members that could not be read there is nothing more to say.
  if (mistakes->size() > before) return definition;
  for (FieldViolation& mistake : CheckDefinition(definition)) {
    mistakes->push_back({absl::StrCat(path, ".", mistake.field), std::move(mistake.description)});
  }
  return definition;
}

PropertyRules ReadProperties(const Json& json, std::vector<FieldViolation>* mistakes) {
  PropertyRules rules;
  if (!json.is_object()) {
    mistakes->push_back({"properties", absl::StrCat("is ", json.type_name(), ", an object is wanted")});
    return rules;
  }
  // Each may cost milliseconds to read, by its pattern.
  if (json.size() > static_cast<size_t>(limits::kPropertiesMax)) {
    mistakes->push_back({"properties", absl::StrCat("are ", json.size(), ", at most ", limits::kPropertiesMax, " are allowed")});
    return rules;
  }
  for (const auto& [name, definition] : json.items()) {
    if (mistakes->size() >= static_cast<size_t>(limits::kSchemaMistakesMax)) break;
    const std::string path = JsonMemberPath("properties", name);
    if (const std::string fault = PropertyNameFault(name); !fault.empty()) mistakes->push_back({path, "the name " + fault});
    rules.definitions[name] = ReadDefinition(definition, path, mistakes);
  }
  return rules;
}

absl::StatusOr<Layout> ReadLayout(ObjectReader* reader, std::vector<FieldViolation>* mistakes) {
  const std::optional<std::string> pattern = reader->String("pattern");
  if (!pattern.has_value() && reader->Find("pattern") == nullptr) reader->AddMistake("pattern", "is missing");
  const std::optional<std::string> serializer = reader->String("serializer");
  if (!pattern.has_value()) return absl::InvalidArgumentError("no pattern");
  absl::StatusOr<Layout> layout = Layout::Create(*pattern, serializer.value_or("text"));
  if (!layout.ok()) {
    const std::optional<ErrorDetails> details = DetailsOf(layout.status());
    mistakes->insert(mistakes->end(), details->violations.begin(), details->violations.end());
  }
  return layout;
}

// A scalar as people write it: 80 rather than "80", where that reads as the same text.
Json ScalarJson(PropertyType type, const std::string& text) {
  if (type != PropertyType::kInteger && type != PropertyType::kNumber && type != PropertyType::kPort && type != PropertyType::kBoolean)
    return text;
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return !json.is_discarded() && json.dump() == text ? json : Json(text);
}

Json DefinitionJson(const PropertyDefinition& definition) {
  Json json = {{"type", std::string(PropertyTypeText(definition.type))}};
  if (definition.required) json["required"] = true;
  if (definition.default_value.has_value()) json["default"] = ScalarJson(definition.type, *definition.default_value);
  if (!definition.values.empty()) json["values"] = definition.values;
  if (definition.min.has_value()) json["min"] = ScalarJson(definition.type, *definition.min);
  if (definition.max.has_value()) json["max"] = ScalarJson(definition.type, *definition.max);
  if (definition.pattern.has_value()) json["pattern"] = definition.pattern->text();
  return json;
}

}  // namespace

absl::StatusOr<Schema> ParseSchemaDocument(absl::string_view text) {
  constexpr JsonBounds kBounds = {.bytes_max = limits::kSchemaDocumentBytesMax, .depth_max = limits::kSchemaDocumentDepthMax};
  if (text.empty()) return InvalidField(Reason::kInvalidField, "document", "is missing or empty, a JSON object is wanted");
  absl::StatusOr<Json> json = ParseBoundedJson(text, kBounds, "document");
  if (!json.ok()) return StripFields(json.status(), "document.");

  std::vector<FieldViolation> mistakes;
  ObjectReader reader(*json, "", &mistakes);
  const std::optional<std::string> name = reader.String("name");
  if (name.has_value()) {
    if (const std::string fault = SchemaNameFault(*name); !fault.empty()) reader.AddMistake("name", fault);
  } else if (reader.Find("name") == nullptr) {
    reader.AddMistake("name", "is missing");
  }
  const int64_t version = reader.Integer("version").value_or(1);
  if (version < 1) reader.AddMistake("version", absl::StrCat("is ", version, ", at least 1 is allowed"));
  absl::StatusOr<Layout> layout = ReadLayout(&reader, &mistakes);
  const Json* const properties = reader.Find("properties");
  PropertyRules rules = properties == nullptr ? PropertyRules() : ReadProperties(*properties, &mistakes);
  rules.extra_allowed = reader.Bool("extra_properties", true);
  std::string strategy = reader.String("strategy").value_or("");
  if (!strategy.empty() && !ParseStrategyKind(strategy).has_value()) {
    reader.AddMistake("strategy", absl::StrCat("is ", Shown(strategy), "; known are ", StrategyNames()));
  }
  absl::Duration slow_start;
  if (const std::optional<std::string> text = reader.String("slow_start"); text.has_value()) {
    const std::optional<absl::Duration> parsed = ParseFiniteDuration(*text);
    if (!parsed.has_value()) reader.AddMistake("slow_start", absl::StrCat("is ", Shown(*text), ", a duration such as 30s is wanted"));
    slow_start = parsed.value_or(absl::ZeroDuration());
  }
  reader.RefuseOthers();
  mistakes.resize(std::min(mistakes.size(), static_cast<size_t>(limits::kSchemaMistakesMax)));
  if (!mistakes.empty()) return InvalidFields(Reason::kInvalidField, std::move(mistakes));

  Schema schema = {.name = *name,
                   .version = version,
                   .layout = *std::move(layout),
                   .properties = std::move(rules),
                   .strategy = std::move(strategy),
                   .slow_start = slow_start};
  // What is left to find is in counts.
  mistakes = CheckSchema(schema);
  if (!mistakes.empty()) return InvalidFields(Reason::kInvalidField, std::move(mistakes));
  return schema;
}

std::string SchemaDocument(const Schema& schema) {
  Json properties = Json::object();
  for (const auto& [name, definition] : schema.properties.definitions) properties[name] = DefinitionJson(definition);
  Json json = {{"name", schema.name},
               {"version", schema.version},
               {"pattern", schema.layout.pattern().text()},
               {"serializer", std::string(schema.layout.serializer().name())},
               {"properties", std::move(properties)},
               {"extra_properties", schema.properties.extra_allowed}};
  if (!schema.strategy.empty()) json["strategy"] = schema.strategy;
  if (schema.slow_start != absl::ZeroDuration()) json["slow_start"] = absl::FormatDuration(schema.slow_start);
  return json.dump();
}

}  // namespace scoutlight::discovery

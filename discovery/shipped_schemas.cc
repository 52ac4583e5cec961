#include "discovery/shipped_schemas.h"

#include <string>

#include "discovery/endpoint.h"
#include "discovery/instance.h"

namespace scoutlight::discovery {
namespace {

PropertyRules WellKnownProperties() {
  PropertyRules rules;
  const auto define = [&rules](absl::string_view name, PropertyDefinition definition) {
    rules.definitions[std::string(name)] = std::move(definition);
  };
  define(kHostnameProperty, {.type = PropertyType::kHost});
  define(kPortProperty, {.type = PropertyType::kPort});
  define(kProtocolProperty, {.type = PropertyType::kString});
  define(kWeightProperty, {.type = PropertyType::kNumber, .min = "0"});
  define(kZoneProperty, {.type = PropertyType::kString});
  define(kHealthProperty, {.type = PropertyType::kEnum, .values = {"passing", "warning", "critical"}});
  define(kLoadProperty, {.type = PropertyType::kNumber, .min = "0"});
  define(kReliabilityProperty, {.type = PropertyType::kNumber, .min = "0", .max = "1"});
  return rules;
}

std::shared_ptr<const Schema> Ship(absl::string_view name, absl::string_view pattern, absl::string_view serializer) {
  return std::make_shared<const Schema>(Schema{
      .name = std::string(name), .version = 1, .layout = Layout::Create(pattern, serializer).value(), .properties = WellKnownProperties()});
}

}  // namespace

const std::vector<std::shared_ptr<const Schema>>& ShippedSchemas() {
  // Never destroyed, so that static objects may use them to their end.
  static const auto* const all = new std::vector<std::shared_ptr<const Schema>>{
      Ship(kDefaultSchema, "/{cluster}/services/{service}/{instance}/{property}", "text"),
      Ship("service", "/{cluster}/service/{service}/{instance}[/{property}]", "text"),
      Ship("members", "/{cluster}/services/{service}/members/{instance}", "json"),
  };
  return *all;
}

}  // namespace scoutlight::discovery

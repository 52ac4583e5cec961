#include "discovery/instance.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/shown.h"
#include "base/utf8.h"

namespace scoutlight::discovery {
namespace {

void AddFault(std::string field, std::string fault, std::vector<FieldViolation>* violations) {
  if (!fault.empty()) violations->push_back({std::move(field), std::move(fault)});
}

// The path of a member of a map; a name that is none is shown escaped.
std::string MemberField(absl::string_view map, absl::string_view name) {
  return PropertyNameFault(name).empty() ? absl::StrCat(map, ".", name) : absl::StrCat(map, "[", Shown(name), "]");
}

}  // namespace

const std::string* FindProperty(const Properties& properties, absl::string_view name) {
  const auto found = properties.find(name);
  return found == properties.end() ? nullptr : &found->second;
}

absl::string_view StatusText(Status status) {
  switch (status) {
    case Status::kUp:
      return "UP";
    case Status::kDraining:
      return "DRAINING";
    case Status::kOwnerLost:
      return "OWNER_LOST";
  }
  return "";
}

std::optional<Status> ParseStatus(absl::string_view text) {
  for (const Status status : {Status::kUp, Status::kDraining, Status::kOwnerLost}) {
    if (StatusText(status) == text) return status;
  }
  return std::nullopt;
}

absl::string_view HealthText(Health health) {
  switch (health) {
    case Health::kPassing:
      return "passing";
    case Health::kWarning:
      return "warning";
    case Health::kCritical:
      return "critical";
  }
  return "";
}

std::optional<Health> ParseHealth(absl::string_view text) {
  for (const Health health : {Health::kPassing, Health::kWarning, Health::kCritical}) {
    if (HealthText(health) == text) return health;
  }
  return std::nullopt;
}

size_t PropertyBytes(const Properties& properties) {
  size_t bytes = 0;
  for (const auto& [property, value] : properties) bytes += property.size() + value.size();
  return bytes;
}

std::string PropertyValueFault(absl::string_view value) {
  if (value.size() > limits::kPropertyValueBytesMax) {
    return absl::StrCat("is ", value.size(), " bytes long, at most ", limits::kPropertyValueBytesMax, " are allowed");
  }
  const std::optional<size_t> bad = FindInvalidUtf8(value);
  return bad.has_value() ? absl::StrCat("is not valid UTF-8 at byte ", *bad) : "";
}

std::vector<FieldViolation> CheckInstance(const InstanceName& name, const Properties& properties) {
  std::vector<FieldViolation> violations;
  AddFault("cluster", ClusterFault(name.cluster), &violations);
  AddFault("service", ServiceFault(name.service), &violations);
  AddFault("id", InstanceIdFault(name.id), &violations);
  if (properties.size() > static_cast<size_t>(limits::kPropertiesMax)) {
    // What comes after may be any number.
    AddFault("properties", absl::StrCat("are ", properties.size(), ", at most ", limits::kPropertiesMax, " are allowed"), &violations);
    return violations;
  }
  for (const auto& [property, value] : properties) {
    const std::string field = MemberField("properties", property);
    if (const std::string fault = PropertyNameFault(property); !fault.empty()) AddFault(field, "the name " + fault, &violations);
    AddFault(field, PropertyValueFault(value), &violations);
  }
  if (const size_t bytes = PropertyBytes(properties); bytes > limits::kInstanceBytesMax) {
    AddFault("properties", absl::StrCat("are ", bytes, " bytes together, at most ", limits::kInstanceBytesMax, " are allowed"),
             &violations);
  }
  return violations;
}

std::vector<FieldViolation> CheckSoftValues(const SoftValues& soft) {
  std::vector<FieldViolation> violations;
  if (soft.load.has_value() && !(std::isfinite(*soft.load) && *soft.load >= 0)) {
    AddFault("load", absl::StrCat("is ", *soft.load, ", a number of at least 0 is wanted"), &violations);
  }
  if (soft.reliability.has_value() && !(*soft.reliability >= 0 && *soft.reliability <= 1)) {
    AddFault("reliability", absl::StrCat("is ", *soft.reliability, ", a number from 0 to 1 is wanted"), &violations);
  }
  if (soft.counters.size() > limits::kSoftCountersMax) {
    AddFault("counters", absl::StrCat("are ", soft.counters.size(), ", at most ", limits::kSoftCountersMax, " are allowed"), &violations);
    return violations;
  }
  for (const auto& [name, count] : soft.counters) {
    if (const std::string fault = PropertyNameFault(name); !fault.empty()) {
      AddFault(MemberField("counters", name), "the name " + fault, &violations);
    }
  }
  return violations;
}

}  // namespace scoutlight::discovery

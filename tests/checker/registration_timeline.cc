#include "tests/checker/registration_timeline.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_split.h"
#include "discovery/system_records.h"

namespace scoutlight::checker {
namespace {

using discovery::InstanceName;
using discovery::ServiceName;
using discovery::SystemKey;

// Whose key it is: of an instance's record or override, or, with the name of the property, of one of its properties under the default
// schema.
struct Place {
  InstanceName name;
  std::optional<SystemKey::Kind> system;
  std::string property;
};

std::optional<Place> PlaceOf(const Key& key) {
  if (key.IsSystem()) {
    const std::optional<SystemKey> system = discovery::ReadSystemKey(key);
    if (!system.has_value() || system->kind == SystemKey::Kind::kSchema || system->kind == SystemKey::Kind::kBinding) return std::nullopt;
    return Place{{std::string(system->cluster), std::string(system->service), std::string(system->name)}, system->kind, ""};
  }
  const std::vector<std::string> segments = absl::StrSplit(key.path().substr(1), '/');
  if (segments.size() != 5 || segments[1] != "services") return std::nullopt;
  return Place{{segments[0], segments[2], segments[3]}, std::nullopt, segments[4]};
}

}  // namespace

struct Timeline::Stored {
  std::map<std::string, Entry> properties;
  std::optional<Entry> record;
  std::optional<Entry> override;
};

Timeline::Timeline(const StoreLog& log) : store_(log.store) {
  std::map<InstanceName, Stored> all;
  for (const LoggedBatch& logged : log.log) Apply(logged.batch, &all);
}

void Timeline::Apply(const Batch& batch, std::map<InstanceName, Stored>* all) {
  latest_ = batch.revision;
  std::map<InstanceName, EventCause> changed;
  for (const Event& event : batch.events) {
    const std::optional<Place> place = PlaceOf(event.key);
    if (!place.has_value()) continue;
    Stored& stored = (*all)[place->name];
    ApplyEvent(event, &stored);
    // An override's lease is not the instance's.
    if (place->system != SystemKey::Kind::kOverride || !changed.contains(place->name)) changed[place->name] = event.cause;
  }
  for (const auto& [name, cause] : changed) {
    InstanceState state = StateOf((*all)[name], batch.revision, cause);
    States& states = instances_[name];
    if (!state.present && (states.empty() || !states.back().present)) {
      // Of an override alone nothing is shown.
      if (states.empty()) instances_.erase(name);
      continue;
    }
    states.push_back(std::move(state));
    changes_[{name.cluster, name.service}].push_back({batch.revision, name});
  }
}

void Timeline::ApplyEvent(const Event& event, Stored* stored) {
  const Place place = *PlaceOf(event.key);
  const std::optional<Entry> entry = event.kind == EventKind::kPut ? std::optional<Entry>(event.entry) : std::nullopt;
  if (place.system == SystemKey::Kind::kInstance) {
    stored->record = entry;
  } else if (place.system == SystemKey::Kind::kOverride) {
    stored->override = entry;
  } else if (entry.has_value()) {
    stored->properties[place.property] = *entry;
  } else {
    stored->properties.erase(place.property);
  }
}

InstanceState Timeline::StateOf(const Stored& stored, Revision revision, EventCause cause) {
  InstanceState state{.since = revision, .present = stored.record.has_value() || !stored.properties.empty(), .cause = cause};
  if (!state.present) return state;
  discovery::Properties properties;
  for (const auto& [property, entry] : stored.properties) {
    properties[property] = entry.value.bytes;
    state.mod_revision = std::max(state.mod_revision, entry.mod_revision);
    if (state.lease_id == 0) state.lease_id = entry.lease_id;
  }
  const std::string* const health = discovery::FindProperty(properties, discovery::kHealthProperty);
  state.critical = health != nullptr && *health == discovery::HealthText(discovery::Health::kCritical);
  state.properties = PropertiesText(properties);
  if (stored.record.has_value()) {
    const auto record = discovery::ParseInstanceRecord(stored.record->value.bytes);
    state.epoch = record.ok() && record->epoch != 0 ? record->epoch : stored.record->mod_revision;
    state.lease_id = stored.record->lease_id;
    state.mod_revision = std::max(state.mod_revision, stored.record->mod_revision);
    if (record.ok()) {
      state.session = record->session;
      state.status = record->status;
    }
  }
  state.overridden = stored.override.has_value();
  if (state.overridden) state.mod_revision = std::max(state.mod_revision, stored.override->mod_revision);
  return state;
}

const Timeline::States& Timeline::Of(const InstanceName& name) const {
  static const States* const none = new States();
  const auto it = instances_.find(name);
  return it == instances_.end() ? *none : it->second;
}

int Timeline::IndexAt(const States& states, Revision revision) {
  const auto after =
      std::upper_bound(states.begin(), states.end(), revision, [](Revision at, const InstanceState& state) { return at < state.since; });
  return static_cast<int>(after - states.begin()) - 1;
}

const InstanceState* Timeline::PresentAt(const InstanceName& name, Revision revision) const {
  const States& states = Of(name);
  const int index = IndexAt(states, revision);
  return index >= 0 && states[index].present ? &states[index] : nullptr;
}

const std::vector<Timeline::Change>& Timeline::ChangesOf(const ServiceName& service) const {
  static const std::vector<Change>* const none = new std::vector<Change>();
  const auto it = changes_.find(service);
  return it == changes_.end() ? *none : it->second;
}

}  // namespace scoutlight::checker

#include "discovery/stored_instance.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/shown.h"
#include "discovery/endpoint.h"
#include "discovery/serializer.h"

namespace scoutlight::discovery {
namespace {

void AddProblem(std::string property, std::string message, Instance* instance) {
  if (instance->problems.size() >= static_cast<size_t>(limits::kProblemsPerInstanceMax)) return;
  Problem problem{std::move(property), std::move(message)};
  if (std::find(instance->problems.begin(), instance->problems.end(), problem) != instance->problems.end()) return;
  instance->problems.push_back(std::move(problem));
}

void NoteRevisions(const StoredValue& stored, Instance* instance) {
  instance->create_revision =
      instance->create_revision == 0 ? stored.create_revision : std::min(instance->create_revision, stored.create_revision);
  instance->mod_revision = std::max(instance->mod_revision, stored.mod_revision);
}

void ReadProperties(const StoredInstance& stored, const Schema& schema, Instance* instance) {
  for (const auto& [property, entry] : stored.entries) {
    NoteRevisions(entry, instance);
    if (instance->lease_id == 0) instance->lease_id = entry.lease_id;
  }
  DecodedProperties decoded = StoredProperties(stored, schema);
  // It leaves nothing to send anybody to. What else cannot be read, a name or a value that is none, takes nothing from the others.
  if (decoded.unreadable) instance->valid = false;
  for (Problem& problem : decoded.problems) {
    AddProblem(std::move(problem.property), std::move(problem.message), instance);
  }
  if (!schema.properties.RequiredHold(decoded.properties)) instance->valid = false;
  for (Problem& problem : schema.properties.Validate(decoded.properties)) {
    AddProblem(std::move(problem.property), std::move(problem.message), instance);
  }
  instance->properties = schema.properties.WithDefaults(std::move(decoded.properties));
}

}  // namespace

DecodedProperties StoredProperties(const StoredInstance& stored, const Schema& schema) {
  std::vector<Piece> pieces;
  pieces.reserve(stored.entries.size());
  for (const auto& [property, entry] : stored.entries) {
    pieces.push_back({.property = property.empty() ? std::nullopt : std::optional<std::string>(property), .value = entry.value});
  }
  return schema.layout.Decode(pieces, schema.properties);
}

Ownership ReadOwnership(const StoredInstance& stored) {
  Ownership ownership;
  if (!stored.record.has_value()) return ownership;
  ownership.lease_id = stored.record->lease_id;
  ownership.record_revision = stored.record->mod_revision;
  ownership.epoch = stored.record->mod_revision;
  absl::StatusOr<InstanceRecord> record = ParseInstanceRecord(stored.record->value.bytes);
  if (!record.ok()) return ownership;
  if (record->epoch != 0) ownership.epoch = record->epoch;
  ownership.session = std::move(record->session);
  ownership.schema = std::move(record->schema);
  ownership.owns_lease = record->owns_lease;
  ownership.status = record->status;
  ownership.registered_at = record->registered_at;
  return ownership;
}

Instance ReadInstance(const InstanceName& name, const StoredInstance& stored, const Schema& schema) {
  Instance instance;
  instance.name = name;
  instance.soft = stored.soft;
  ReadProperties(stored, schema, &instance);
  if (stored.record.has_value()) {
    NoteRevisions(*stored.record, &instance);
    const absl::StatusOr<InstanceRecord> record = ParseInstanceRecord(stored.record->value.bytes);
    if (!record.ok()) AddProblem("", absl::StrCat("has a record that cannot be read: ", record.status().message()), &instance);
    const Ownership ownership = ReadOwnership(stored);
    if (!ownership.schema.empty() && ownership.schema != schema.name) {
      instance.valid = false;
      AddProblem("", absl::StrCat("was registered under schema ", ownership.schema, ", and its service is bound to ", schema.name),
                 &instance);
    }
    instance.lease_id = ownership.lease_id;
    instance.epoch = ownership.epoch;
    instance.status = ownership.status;
    instance.registered_at = ownership.registered_at;
  }
  if (stored.override.has_value()) {
    instance.mod_revision = std::max(instance.mod_revision, stored.override->mod_revision);
    // One that cannot be read still means that an operator wanted the instance out.
    instance.override = ParseOverride(stored.override->value.bytes).value_or(Override());
  }
  if (const std::string* const health = FindProperty(instance.properties, kHealthProperty); health != nullptr) {
    if (const std::optional<Health> known = ParseHealth(*health); known.has_value()) {
      instance.health = *known;
    } else {
      AddProblem(std::string(kHealthProperty), absl::StrCat("is ", Shown(*health), ", known are passing, warning and critical"), &instance);
    }
  }
  for (Problem& problem : ReadEndpoints(instance.properties).problems) {
    AddProblem(std::move(problem.property), std::move(problem.message), &instance);
  }
  return instance;
}

}  // namespace scoutlight::discovery

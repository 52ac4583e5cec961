#ifndef SCOUTLIGHT_DISCOVERY_CATALOG_FIXTURE_H_
#define SCOUTLIGHT_DISCOVERY_CATALOG_FIXTURE_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "discovery/catalog.h"
#include "discovery/shipped_schemas.h"
#include "gtest/gtest.h"

// What the tests of the catalog share: changes as the store shows them, and a plain scan to hold the catalog against.
namespace scoutlight::discovery {

using State = std::map<Key, Entry>;
using Instances = std::map<InstanceName, Instance>;

inline std::shared_ptr<const Claims> DefaultClaims() { return Claims::Create(ShippedSchemas(), Bindings()).value(); }

inline Entry EntryOf(absl::string_view path, absl::string_view text, Revision revision) {
  return {.key = Key::Parse(path).value(),
          .value = {Value::Form::kText, std::string(text)},
          .create_revision = revision,
          .mod_revision = revision,
          .version = 1,
          .has_value = true};
}

inline Event PutOf(Entry entry) {
  const Key key = entry.key;
  return {.key = key, .kind = EventKind::kPut, .entry = std::move(entry)};
}

inline Event DeleteOf(const Key& key, Revision revision) {
  return {.key = key, .kind = EventKind::kDelete, .entry = {.key = key, .mod_revision = revision}};
}

inline Batch BatchOf(Revision revision, std::vector<Event> events) {
  return {.revision = revision, .committed = {}, .events = std::move(events)};
}

// All that a catalog lists. What its ways of listing say of each other is checked.
inline Instances Listed(Catalog* catalog) {
  Instances listed;
  for (const std::string& cluster : catalog->Clusters()) {
    const std::vector<Catalog::ServiceCount> services = catalog->Services(cluster);
    EXPECT_FALSE(services.empty()) << cluster;
    for (const Catalog::ServiceCount& count : services) {
      const SnapshotPtr snapshot = catalog->Find(cluster, count.service);
      if (snapshot == nullptr) {
        ADD_FAILURE() << cluster << "/" << count.service << " is listed and not found";
        continue;
      }
      EXPECT_EQ(snapshot->size(), count.instances);
      EXPECT_EQ(snapshot->resolvable(), count.resolvable);
      snapshot->ForEachAfter("", [&](const InstancePtr& instance) {
        listed[instance->name] = *instance;
        return true;
      });
    }
  }
  return listed;
}

// What there is by the definitions alone: every entry is asked whose it is.
struct Scanned {
  Instances instances;
  std::map<InstanceName, StoredInstance> stored;
};
inline Scanned Scan(const State& state, const Claims& claims) {
  Scanned scanned;
  for (const auto& [key, entry] : state) {
    StoredValue value{
        .value = entry.value, .create_revision = entry.create_revision, .mod_revision = entry.mod_revision, .lease_id = entry.lease_id};
    if (const std::optional<SystemKey> system = ReadSystemKey(key); system.has_value()) {
      StoredInstance& stored = scanned.stored[{std::string(system->cluster), std::string(system->service), std::string(system->name)}];
      if (system->kind == SystemKey::Kind::kInstance) stored.record = value;
      if (system->kind == SystemKey::Kind::kOverride) stored.override = value;
    } else if (const std::optional<Claim> claim = claims.Read(key); claim.has_value()) {
      const KeyReading& reading = claim->reading;
      scanned.stored[{std::string(reading.cluster), std::string(reading.service), std::string(reading.instance)}]
          .entries[std::string(reading.property.value_or(""))] = value;
    }
  }
  for (const auto& [name, stored] : scanned.stored) {
    const Schema* const schema = claims.SchemaOf(name.cluster, name.service);
    if (schema != nullptr && stored.exists()) scanned.instances[name] = ReadInstance(name, stored, *schema);
  }
  return scanned;
}

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_CATALOG_FIXTURE_H_

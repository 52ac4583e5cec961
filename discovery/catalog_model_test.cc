// The catalog against a plain scan of what anybody may have written. SCOUTLIGHT_SEED repeats a run; SCOUTLIGHT_TORTURE makes it long.

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "discovery/catalog.h"
#include "discovery/catalog_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

// Draws what anybody may have written, over so few names that they meet.
class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}

  int Below(int bound) { return static_cast<int>(random_() % static_cast<uint64_t>(bound)); }
  bool Chance(int percent) { return Below(100) < percent; }
  template <size_t n>
  std::string Pick(const char* const (&from)[n]) {
    return from[Below(static_cast<int>(n))];
  }

  InstanceName AnyName() { return {Pick({"a", "b"}), Pick({"s", "t", "members"}), Pick({"i", "j", "members"})}; }

  Key AnyKey(const Claims& claims) {
    if (Chance(20)) return InstanceRecordKey(AnyName());
    if (Chance(10)) return OverrideKey(AnyName());
    if (Chance(10)) {
      std::string path;
      for (int depth = 1 + Below(6); depth > 0; --depth) path += Pick({"/a", "/services", "/s", "/service", "/members", "/port"});
      return Key::Parse(path).value();
    }
    const KeyPattern& pattern = claims.schemas()[static_cast<size_t>(Below(static_cast<int>(claims.schemas().size())))]->layout.pattern();
    if (pattern.has_property() && (!pattern.has_own_key() || Chance(80))) {
      return pattern.PropertyKey(AnyName(), Pick({"hostname", "port", "health", "weight", "endpoint.x", "i"}));
    }
    return pattern.InstanceKey(AnyName());
  }

  Value AnyValue(const Key& key) {
    if (Chance(5)) return {Value::Form::kData, std::string("\xff\x00\xfe", 3)};
    if (Chance(2)) return {Value::Form::kText, std::string(limits::kPropertyValueBytesMax + Below(3), 'x')};
    if (key.IsSystem() && Chance(80)) {
      return {Value::Form::kText,
              Pick({R"({"status": "UP"})", R"({"status": "DRAINING", "epoch": 3, "session": "x"})",
                    R"({"reason": "jam", "created_at": "2026-01-01T00:00:00+00:00"})", R"({"status": "UP", "epoch": -1})"})};
    }
    return {Value::Form::kText, Pick({"", "80", "70000", "critical", "h", "http://h:1", R"({"port": "80"})", R"({"port": 80, "zone": "z"})",
                                      R"({"port": )", "nonsense"})};
  }

  // Schemas that may be together, and bindings to them.
  std::shared_ptr<const Claims> AnyClaims() {
    std::vector<std::shared_ptr<const Schema>> schemas = ShippedSchemas();
    PropertyRules strict;
    strict.extra_allowed = false;
    strict.definitions["port"] = {.type = PropertyType::kPort, .required = true};
    strict.definitions["zone"] = {.type = PropertyType::kString, .default_value = "here"};
    schemas.push_back(std::make_shared<const Schema>(Schema{.name = "strict", .layout = schemas[0]->layout, .properties = strict}));
    schemas.push_back(std::make_shared<const Schema>(Schema{
        .name = "turned", .layout = Layout::Create("/x/y/{instance}/{service}/{cluster}[/{property}]", "text").value(), .properties = {}}));
    std::map<std::pair<std::string, std::string>, std::string> drawn;
    for (int i = Below(6); i > 0; --i) {
      drawn[{Pick({"*", "a", "b"}), Pick({"*", "s", "t", "members"})}] =
          Pick({"printers", "service", "members", "strict", "turned", "none"});
    }
    std::vector<Binding> bindings;
    for (const auto& [pair, schema] : drawn) bindings.push_back({pair.first, pair.second, schema});
    return Claims::Create(std::move(schemas), Bindings::Create(std::move(bindings)).value()).value();
  }

 private:
  std::mt19937_64 random_;
};

std::unique_ptr<Catalog> FilledAnew(const State& state, std::shared_ptr<const Claims> claims, Revision revision) {
  auto catalog = std::make_unique<Catalog>(std::move(claims));
  for (const auto& [key, entry] : state) catalog->Fill(entry);
  catalog->FillUpTo(revision);
  return catalog;
}

// One transaction of up to eight changes; `state` is what comes of it.
Batch AnyBatch(Dice* dice, const Claims& claims, Revision revision, State* state) {
  std::map<Key, Event> events;
  for (int i = dice->Below(8); i >= 0; --i) {
    const bool of_those_there = !state->empty() && dice->Chance(30);
    const Key key = of_those_there ? std::next(state->begin(), dice->Below(static_cast<int>(state->size())))->first : dice->AnyKey(claims);
    if (key.is_root() || events.contains(key)) continue;
    if (dice->Chance(45)) {
      if (state->erase(key) > 0) events[key] = DeleteOf(key, revision);
      continue;
    }
    Entry& entry = (*state)[key];
    entry = {.key = key,
             .value = dice->AnyValue(key),
             .create_revision = entry.create_revision == 0 ? revision : entry.create_revision,
             .mod_revision = revision,
             .version = entry.version + 1,
             .lease_id = dice->Chance(30) ? 1 + dice->Below(3) : 0,
             .has_value = true};
    events[key] = PutOf(entry);
  }
  Batch batch = BatchOf(revision, {});
  for (auto& [key, event] : events) batch.events.push_back(std::move(event));
  return batch;
}

std::map<InstanceName, Override> OverridesOf(const Catalog& catalog) {
  std::map<InstanceName, Override> overrides;
  for (Catalog::NamedOverride& named : catalog.Overrides("", "", {}, 1'000)) overrides[named.name] = std::move(named.override);
  return overrides;
}

void ExpectEqualToAScan(Catalog* catalog, const State& state, Revision revision) {
  const Scanned scanned = Scan(state, *catalog->claims());
  // One at a time while the changes have not been read, then all.
  for (const auto& [name, stored] : scanned.stored) {
    const InstancePtr found = catalog->FindInstance(name);
    const auto expected = scanned.instances.find(name);
    ASSERT_EQ(found != nullptr, expected != scanned.instances.end()) << name.id;
    if (found == nullptr) continue;
    ASSERT_EQ(*found, expected->second);
  }
  ASSERT_EQ(Listed(catalog), scanned.instances);
  const std::unique_ptr<Catalog> anew = FilledAnew(state, catalog->claims(), revision);
  ASSERT_EQ(Listed(anew.get()), scanned.instances);
  ASSERT_EQ(catalog->revision(), revision);
  ASSERT_EQ(catalog->instances(), anew->instances());
  ASSERT_EQ(OverridesOf(*catalog), OverridesOf(*anew));
  for (const auto& [name, stored] : scanned.stored) {
    const std::optional<StoredInstance> found = catalog->FindStored(name);
    ASSERT_TRUE(found.has_value());
    ASSERT_EQ(found->entries.size(), stored.entries.size());
    ASSERT_EQ(found->exists(), stored.exists());
  }
}

TEST(Catalog, IsEqualToAScanOfTheStore) {
  const char* const seed_text = std::getenv("SCOUTLIGHT_SEED");
  const uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : std::random_device()();
  std::cout << "SCOUTLIGHT_SEED=" << seed << std::endl;
  Dice dice(seed);
  State state;
  std::shared_ptr<const Claims> claims = dice.AnyClaims();
  std::unique_ptr<Catalog> catalog = FilledAnew(state, claims, 1);
  const int steps = std::getenv("SCOUTLIGHT_TORTURE") != nullptr ? 500'000 : 5'000;
  Revision revision = 1;
  size_t most = 0;
  for (int step = 0; step < steps;) {
    if (dice.Chance(2)) {
      claims = dice.AnyClaims();
      catalog = FilledAnew(state, claims, revision);
    }
    const Instances before = Listed(catalog.get());
    const Batch batch = AnyBatch(&dice, *claims, ++revision, &state);
    step += static_cast<int>(batch.events.size()) + 1;
    const Catalog::Applied applied = catalog->Apply(batch);
    SCOPED_TRACE(absl::StrCat("step ", step, ", SCOUTLIGHT_SEED=", seed));
    ASSERT_NO_FATAL_FAILURE(ExpectEqualToAScan(catalog.get(), state, revision));
    ASSERT_FALSE(applied.claims_changed);
    const Instances after = Listed(catalog.get());
    for (const Instances* one : {&before, &after}) {
      for (const auto& [name, instance] : *one) {
        const Instances& other = one == &before ? after : before;
        const auto found = other.find(name);
        if (found != other.end() && found->second == instance) continue;
        ASSERT_THAT(applied.services, ::testing::Contains(ServiceName{name.cluster, name.service}));
      }
    }
    most = std::max(most, after.size());
  }
  // The run was about something.
  EXPECT_GE(most, 5u);
}

}  // namespace
}  // namespace scoutlight::discovery

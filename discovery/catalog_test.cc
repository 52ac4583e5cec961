#include "discovery/catalog.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/catalog_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Catalog, ShowsWhatWasWrittenByHand) {
  Catalog catalog(DefaultClaims());
  EXPECT_EQ(catalog.Find("c", "s"), nullptr);
  const Catalog::Applied applied =
      catalog.Apply(BatchOf(2, {PutOf(EntryOf("/c/services/s/i/hostname", "h", 2)), PutOf(EntryOf("/c/services/s/i/port", "80", 2)),
                                PutOf(EntryOf("/own", "x", 2))}));
  EXPECT_THAT(applied.services, ElementsAre(ServiceName{"c", "s"}));
  EXPECT_FALSE(applied.claims_changed);
  EXPECT_EQ(catalog.revision(), 2);
  const SnapshotPtr snapshot = catalog.Find("c", "s");
  ASSERT_NE(snapshot, nullptr);
  EXPECT_EQ(snapshot->revision(), 2);
  EXPECT_EQ(snapshot->Find("i")->properties.at("port"), "80");
  EXPECT_THAT(catalog.Clusters(), ElementsAre("c"));
  EXPECT_EQ(catalog.instances(), 1u);
  catalog.Apply(BatchOf(3, {DeleteOf(Key::Parse("/c/services/s/i/hostname").value(), 3)}));
  EXPECT_EQ(catalog.Find("c", "s")->Find("i")->properties.size(), 1u);
  EXPECT_EQ(snapshot->Find("i")->properties.size(), 2u);
  catalog.Apply(BatchOf(4, {DeleteOf(Key::Parse("/c/services/s/i/port").value(), 4)}));
  EXPECT_EQ(catalog.Find("c", "s"), nullptr);
  EXPECT_THAT(catalog.Clusters(), IsEmpty());
  EXPECT_EQ(catalog.instances(), 0u);
}

TEST(Catalog, UnchangedServiceKeepsItsSnapshot) {
  Catalog catalog(DefaultClaims());
  catalog.Apply(BatchOf(2, {PutOf(EntryOf("/c/services/s/i/port", "80", 2))}));
  const SnapshotPtr snapshot = catalog.Find("c", "s");
  catalog.Apply(BatchOf(3, {PutOf(EntryOf("/c/services/t/i/port", "80", 3))}));
  EXPECT_EQ(catalog.Find("c", "s"), snapshot);
}

TEST(Catalog, OneInstanceIsFoundWithoutReadingTheOthers) {
  Catalog catalog(DefaultClaims());
  for (int i = 0; i < 10; ++i) catalog.Fill(EntryOf(absl::StrCat("/c/services/s/i", i, "/port"), "80", i + 1));
  catalog.FillUpTo(10);
  EXPECT_EQ(catalog.FindIfRead("c", "s", 9), std::nullopt);
  EXPECT_FALSE(catalog.ServicesIfFew("c", "", 1, 9).has_value());
  EXPECT_TRUE(catalog.ServicesIfFew("c", "s", 1, 9).has_value());
  ASSERT_NE(catalog.FindInstance({"c", "s", "i3"}), nullptr);
  EXPECT_EQ(catalog.FindInstance({"c", "s", "i3"})->properties.at("port"), "80");
  EXPECT_EQ(catalog.FindInstance({"c", "s", "x"}), nullptr);
  EXPECT_EQ(catalog.FindInstance({"c", "x", "i3"}), nullptr);
  EXPECT_EQ(catalog.FindIfRead("c", "s", 9), std::nullopt);
  const SnapshotPtr snapshot = catalog.Find("c", "s");
  EXPECT_EQ(catalog.FindIfRead("c", "s", 0), snapshot);
  EXPECT_EQ(catalog.FindInstance({"c", "s", "i3"}), snapshot->Find("i3"));
}

TEST(Catalog, SchemasAndBindingsAskForANewCatalog) {
  Catalog catalog(DefaultClaims());
  EXPECT_TRUE(catalog.Apply(BatchOf(2, {PutOf(EntryOf("/.scoutlight/schemas/x", "{}", 2))})).claims_changed);
  EXPECT_TRUE(catalog.Apply(BatchOf(3, {DeleteOf(Key::Parse("/.scoutlight/bindings/*/s").value(), 3)})).claims_changed);
  EXPECT_FALSE(catalog.Apply(BatchOf(4, {PutOf(EntryOf("/.scoutlight/sessions/x", "{}", 4))})).claims_changed);
  EXPECT_FALSE(catalog.Apply(BatchOf(5, {PutOf(EntryOf("/.scoutlight/overrides/c/s/i", "{}", 5))})).claims_changed);
}

TEST(Catalog, ServiceBoundToNoneHasNoInstances) {
  Catalog catalog(Claims::Create(ShippedSchemas(), Bindings::Create({{"c", "off", "none"}}).value()).value());
  catalog.Apply(BatchOf(
      2, {PutOf(EntryOf("/.scoutlight/instances/c/off/i", R"({"status": "UP"})", 2)), PutOf(EntryOf("/c/services/off/i/port", "1", 2))}));
  EXPECT_EQ(catalog.Find("c", "off"), nullptr);
  EXPECT_THAT(catalog.Clusters(), IsEmpty());
  EXPECT_TRUE(catalog.Services("c").empty());
}

TEST(Catalog, OverrideSurvivesItsInstance) {
  Catalog catalog(DefaultClaims());
  const InstanceName name{"c", "s", "i"};
  catalog.Apply(BatchOf(2, {PutOf(EntryOf("/.scoutlight/overrides/c/s/i", R"({"reason": "jam"})", 2))}));
  EXPECT_EQ(catalog.Find("c", "s"), nullptr);
  ASSERT_EQ(catalog.Overrides("", "", {}, 10).size(), 1u);
  EXPECT_EQ(catalog.Overrides("", "", {}, 10)[0].override.reason, "jam");
  catalog.Apply(BatchOf(3, {PutOf(EntryOf("/c/services/s/i/port", "80", 3))}));
  EXPECT_EQ(catalog.Find("c", "s")->resolvable(), 0u);
  catalog.Apply(BatchOf(4, {DeleteOf(Key::Parse("/c/services/s/i/port").value(), 4)}));
  EXPECT_EQ(catalog.Overrides("c", "s", {}, 10).size(), 1u);
  EXPECT_TRUE(catalog.Overrides("c", "s", name, 10).empty());
  EXPECT_TRUE(catalog.Overrides("d", "", {}, 10).empty());
  catalog.Apply(BatchOf(5, {DeleteOf(OverrideKey(name), 5)}));
  EXPECT_TRUE(catalog.Overrides("", "", {}, 10).empty());
  EXPECT_FALSE(catalog.FindStored(name).has_value());
}

TEST(Catalog, OverridesComeInPages) {
  Catalog catalog(DefaultClaims());
  std::vector<InstanceName> names;
  for (const char* cluster : {"a", "b"}) {
    for (const char* service : {"s", "t"}) {
      for (const char* id : {"i", "j"}) names.push_back({cluster, service, id});
    }
  }
  for (const InstanceName& name : names) catalog.Fill(EntryOf(OverrideKey(name).path(), "{}", 2));
  std::vector<InstanceName> seen;
  InstanceName after;
  for (int pages = 0; pages < 10; ++pages) {
    const std::vector<Catalog::NamedOverride> page = catalog.Overrides("", "", after, 3);
    if (page.empty()) break;
    for (const Catalog::NamedOverride& override : page) seen.push_back(override.name);
    after = seen.back();
  }
  EXPECT_EQ(seen, names);
  EXPECT_EQ(catalog.Overrides("", "t", {}, 10).size(), 4u);
  EXPECT_EQ(catalog.Overrides("b", "t", {"a", "t", "j"}, 10).size(), 2u);
}

TEST(Catalog, SoftValuesGoWithTheInstanceAndNotWithAProperty) {
  Catalog catalog(DefaultClaims());
  const InstanceName name{"c", "s", "i"};
  EXPECT_FALSE(catalog.SetSoftValues(name, {}, {.load = 0.5, .reliability = {}, .counters = {}}));
  catalog.Apply(BatchOf(2, {PutOf(EntryOf("/c/services/s/i/a", "1", 2))}));
  ASSERT_TRUE(catalog.SetSoftValues(name, {}, {.load = 0.5, .reliability = {}, .counters = {}}));
  EXPECT_EQ(catalog.Find("c", "s")->Find("i")->soft.load, 0.5);
  // One batch takes its last key and gives it another.
  catalog.Apply(BatchOf(3, {DeleteOf(Key::Parse("/c/services/s/i/a").value(), 3), PutOf(EntryOf("/c/services/s/i/b", "1", 3))}));
  EXPECT_EQ(catalog.Find("c", "s")->Find("i")->soft.load, 0.5);
  catalog.Apply(BatchOf(4, {DeleteOf(Key::Parse("/c/services/s/i/b").value(), 4)}));
  EXPECT_FALSE(catalog.SetSoftValues(name, {}, {}));
  catalog.Apply(BatchOf(5, {PutOf(EntryOf("/c/services/s/i/a", "1", 5))}));
  EXPECT_EQ(catalog.Find("c", "s")->Find("i")->soft, SoftValues());
}

TEST(Catalog, SoftValuesAreTakenFromTheOwnerAlone) {
  Catalog catalog(DefaultClaims());
  const InstanceName name{"c", "s", "i"};
  const auto load = [&] { return catalog.FindInstance(name)->soft.load; };
  const auto registered = [&](Revision at, Revision epoch, const std::string& session) {
    catalog.Apply(
        BatchOf(at, {PutOf(EntryOf("/c/services/s/i/port", "80", at)),
                     PutOf(EntryOf(std::string(InstanceRecordKey(name).path()),
                                   EncodeInstanceRecord({.epoch = epoch, .session = session, .registered_at = absl::UnixEpoch()}), at))}));
  };
  registered(2, 0, "a");  // So that its epoch is the revision.
  EXPECT_FALSE(catalog.SetSoftValues(name, {}, {.load = 0.1, .reliability = {}, .counters = {}})) << "it has an owner";
  EXPECT_FALSE(catalog.SetSoftValues(name, {.epoch = 2, .session = "b"}, {.load = 0.1, .reliability = {}, .counters = {}}));
  EXPECT_FALSE(catalog.SetSoftValues(name, {.epoch = 1, .session = "a"}, {.load = 0.1, .reliability = {}, .counters = {}}));
  EXPECT_EQ(load(), std::nullopt);
  EXPECT_TRUE(catalog.SetSoftValues(name, {.epoch = 2, .session = "a"}, {.load = 0.2, .reliability = {}, .counters = {}}));
  EXPECT_EQ(load(), 0.2);
  registered(3, 2, "a");  // The same owner has changed it.
  EXPECT_TRUE(catalog.SetSoftValues(name, {.epoch = 2, .session = "a"}, {.load = 0.3, .reliability = {}, .counters = {}}));
  registered(4, 4, "b");
  EXPECT_FALSE(catalog.SetSoftValues(name, {.epoch = 2, .session = "a"}, {.load = 0.4, .reliability = {}, .counters = {}}));
  EXPECT_EQ(load(), 0.3);
}

TEST(Catalog, RevisionOnlyGrows) {
  Catalog catalog(DefaultClaims());
  catalog.FillUpTo(7);
  catalog.Advance(5);
  EXPECT_EQ(catalog.revision(), 7);
  catalog.Advance(9);
  EXPECT_EQ(catalog.revision(), 9);
}

TEST(Catalog, AnInstanceOfManyEntriesIsNoShortWork) {
  Catalog catalog(DefaultClaims());
  Revision revision = 0;
  const auto put = [&](int entry) {
    ++revision;
    catalog.Apply(BatchOf(revision, {PutOf(EntryOf(absl::StrCat("/c/services/s/i/p", entry), "x", revision))}));
  };
  for (int i = 0; i < limits::kInlineStoredMax; ++i) put(i);
  EXPECT_TRUE(catalog.FindIfRead("c", "s", 1).has_value());
  put(limits::kInlineStoredMax);
  EXPECT_EQ(catalog.FindIfRead("c", "s", 1), std::nullopt);
  EXPECT_FALSE(catalog.ServicesIfFew("c", "", 1, 1).has_value());
  const InstanceName name{"c", "s", "i"};
  EXPECT_EQ(catalog.FindInstanceIfRead(name, limits::kInlineStoredMax), std::nullopt);
  EXPECT_NE(*catalog.FindInstanceIfRead(name, limits::kInlineStoredMax + 1), nullptr);
  EXPECT_EQ(*catalog.FindInstanceIfRead({"c", "s", "x"}, 0), nullptr);
  EXPECT_EQ(catalog.Find("c", "s")->size(), 1u);
  EXPECT_NE(*catalog.FindInstanceIfRead(name, 0), nullptr) << "it is read already";
  EXPECT_TRUE(catalog.FindIfRead("c", "s", 1).has_value());
}

TEST(Catalog, OfAValueThatIsTooLongItKeepsWhatShowsThat) {
  Catalog catalog(DefaultClaims());
  const InstanceName name{"c", "s", "i"};
  const InstanceName member{"c", "t", "i"};
  constexpr size_t kMax = limits::kPropertyValueBytesMax;
  // One key of many may be as long as the store takes; the other way of putting them in is as good.
  const Entry longest = EntryOf("/c/services/s/i/a", std::string(limits::kValueBytesMax, 'x'), 2);
  catalog.Fill(longest);
  catalog.Fill(EntryOf("/c/services/s/i/fits", std::string(kMax, 'x'), 2));
  EXPECT_EQ(catalog.FindStored(name)->entries.at("a").value.bytes.size(), kMax + 1);
  catalog.Apply(BatchOf(3, {DeleteOf(longest.key, 3)}));
  catalog.Apply(BatchOf(4, {PutOf(longest)}));
  EXPECT_EQ(catalog.FindStored(name)->entries.at("a").value.bytes.size(), kMax + 1);
  EXPECT_EQ(catalog.FindStored(name)->entries.at("fits").value.bytes.size(), kMax);
  const InstancePtr instance = catalog.FindInstance(name);
  EXPECT_EQ(instance->properties, (Properties{{"fits", std::string(kMax, 'x')}}));
  EXPECT_THAT(instance->problems, ElementsAre(Problem{"a", "is over the 32768 bytes allowed"}));
  // A key that holds all is kept as it is.
  const auto members = Claims::Create(ShippedSchemas(), Bindings::Create({{"c", "t", "members"}}).value()).value();
  Catalog of_members(members);
  const std::string json = R"({"port": "80"})" + std::string(limits::kPropertyValueBytesMax * 2, ' ');
  of_members.Fill(EntryOf("/c/services/t/members/i", json, 2));
  EXPECT_EQ(of_members.FindStored(member)->entries.at("").value.bytes, json);
  EXPECT_EQ(of_members.FindInstance(member)->properties, (Properties{{"port", "80"}}));
  // What no store of ours takes.
  of_members.Fill(EntryOf("/c/services/t/members/i", json + std::string(2 * limits::kValueBytesMax, ' '), 2));
  EXPECT_EQ(of_members.FindStored(member)->entries.at("").value.bytes.size(), limits::kValueBytesMax + 1);
  EXPECT_FALSE(of_members.FindInstance(member)->valid);
}

// It is read in pieces, between which others commit: what is shown is one state all the same.
TEST(Catalog, ReadersOfALargeServiceSeeWholeBatchesToo) {
  Catalog catalog(DefaultClaims());
  constexpr int kInstances = 2'000;
  const auto batch = [](Revision revision) {
    std::vector<Event> events;
    for (int i = 0; i < kInstances; ++i) {
      Entry entry = EntryOf(absl::StrCat("/c/services/s/i", i, "/port"), absl::StrCat(revision), revision);
      // One in seven comes and goes, another one each time.
      if ((i + revision) % 7 == 0) {
        events.push_back(DeleteOf(entry.key, revision));
      } else {
        events.push_back(PutOf(std::move(entry)));
      }
    }
    return BatchOf(revision, std::move(events));
  };
  catalog.Apply(batch(2));
  constexpr Revision kLast = 40;
  std::thread writer([&] {
    for (Revision revision = 3; revision <= kLast; ++revision) catalog.Apply(batch(revision));
  });
  int torn = 0;
  const auto look = [&] {
    const SnapshotPtr snapshot = catalog.Find("c", "s");
    std::set<std::string> ports;
    snapshot->ForEachAfter("", [&](const InstancePtr& instance) {
      ports.insert(instance->properties.at("port"));
      return true;
    });
    torn += ports.size() == 1 ? 0 : 1;
    return ports;
  };
  while (catalog.revision() < kLast) look();
  writer.join();
  EXPECT_THAT(look(), ElementsAre(absl::StrCat(kLast)));
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(catalog.Services("c").front().instances, catalog.Find("c", "s")->size());
}

TEST(Catalog, ClustersWithoutInstancesAreManyAndPassedOver) {
  Catalog catalog(DefaultClaims());
  Revision revision = 0;
  const std::string text = EncodeOverride({.reason = "jam"});
  for (int i = 0; i < 3'000; ++i) catalog.Fill(EntryOf(absl::StrCat("/.scoutlight/overrides/b/s", i, "/i"), text, ++revision));
  for (const char* cluster : {"a", "c"}) catalog.Fill(EntryOf(absl::StrCat("/", cluster, "/services/s/i/port"), "80", ++revision));
  EXPECT_THAT(catalog.Clusters(), ElementsAre("a", "c"));
  catalog.Fill(EntryOf("/b/services/s2999/i/port", "80", ++revision));
  EXPECT_THAT(catalog.Clusters(), ElementsAre("a", "b", "c"));
}

// What was read in pieces and is gone before the last of them must be taken back, and the rest shown.
TEST(Catalog, PiecesAreShownWhateverComesBetweenThem) {
  const char* const seed_text = std::getenv("SCOUTLIGHT_SEED");
  const uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : std::random_device()();
  std::cout << "SCOUTLIGHT_SEED=" << seed << std::endl;
  std::mt19937_64 random(seed);
  for (int round = 0; round < 100; ++round) {
    Catalog catalog(DefaultClaims(), 0, 1);
    std::set<std::string> there;
    Revision revision = 1;
    std::atomic<bool> done = false;
    std::thread reader([&] {
      while (!done) {
        catalog.Find("c", "s");
        catalog.Services("c");
      }
    });
    for (int step = 0; step < 40; ++step) {
      std::vector<Event> events;
      ++revision;
      for (int i = 0; i < 12; ++i) {
        if (random() % 3 != 0) continue;
        const std::string id = absl::StrCat("i", absl::Dec(i, absl::kZeroPad2));
        Entry entry = EntryOf(absl::StrCat("/c/services/s/", id, "/port"), "80", revision);
        if (random() % 2 == 0) {
          there.insert(id);
          events.push_back(PutOf(std::move(entry)));
        } else if (there.erase(id) > 0) {
          events.push_back(DeleteOf(entry.key, revision));
        }
      }
      catalog.Apply(BatchOf(revision, std::move(events)));
    }
    done = true;
    reader.join();
    std::set<std::string> shown;
    if (const SnapshotPtr snapshot = catalog.Find("c", "s"); snapshot != nullptr) {
      snapshot->ForEachAfter("", [&](const InstancePtr& instance) {
        shown.insert(instance->name.id);
        return true;
      });
    }
    ASSERT_EQ(shown, there) << "SCOUTLIGHT_SEED=" << seed << ", round " << round;
  }
}

TEST(Catalog, WhoCommitsGetsTurnsWhileALargeServiceIsRead) {
  constexpr int kInstances = 20'000;
  constexpr int kTurns = 10;
  Catalog catalog(DefaultClaims());
  Revision revision = 0;
  for (int i = 0; i < kInstances; ++i) catalog.Fill(EntryOf(absl::StrCat("/c/services/s/i", i, "/port"), "80", ++revision));
  std::atomic<bool> read = false;
  std::atomic<int> turns = 0;
  std::thread writer([&] {
    while (!read) {
      ++revision;
      catalog.Apply(BatchOf(revision, {PutOf(EntryOf("/c/services/t/i/port", "80", revision))}));
      ++turns;
    }
  });
  // It has begun.
  while (turns == 0) std::this_thread::yield();
  const int before = turns;
  EXPECT_EQ(catalog.Find("c", "s")->size(), static_cast<size_t>(kInstances));
  const int during = turns - before;
  read = true;
  writer.join();
  // About 80 pieces, with a turn for who waits behind each.
  EXPECT_GE(during, kTurns);
}

// Each batch writes the same value into all of many properties: a reader never sees two values.
TEST(Catalog, ReadersSeeWholeBatches) {
  Catalog catalog(DefaultClaims());
  constexpr int kProperties = 100;
  const auto batch = [](Revision revision) {
    std::vector<Event> events;
    for (int i = 0; i < kProperties; ++i) {
      events.push_back(PutOf(EntryOf(absl::StrCat("/c/services/s/i/p", absl::Dec(i, absl::kZeroPad3)), absl::StrCat(revision), revision)));
    }
    return BatchOf(revision, std::move(events));
  };
  catalog.Apply(batch(2));
  constexpr Revision kLast = 1'000;
  std::thread writer([&] {
    for (Revision revision = 3; revision <= kLast; ++revision) catalog.Apply(batch(revision));
  });
  int torn = 0;
  while (catalog.revision() < kLast) {
    const InstancePtr instance = catalog.Find("c", "s")->Find("i");
    torn += instance->properties.at("p000") != instance->properties.at("p099") ? 1 : 0;
  }
  writer.join();
  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace scoutlight::discovery

// The catalog against a scan of the store, over random changes. SCOUTLIGHT_SEED repeats a run's choices; SCOUTLIGHT_TORTURE makes it long.

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "discovery/system_records.h"
#include "gtest/gtest.h"
#include "server/discovery/catalog_feed_fixture.h"

namespace scoutlight::server {
namespace {

using storage::AwaitCondition;
using storage::K;

uint64_t Seed() {
  const char* const text = std::getenv("SCOUTLIGHT_SEED");
  const uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device()();
  std::cout << "SCOUTLIGHT_SEED=" << seed << std::endl;
  return seed;
}

// Changes that somebody makes by hand where schemas have instances, and of what the catalog is made by. Few names, so that they meet.
class RawChanges {
 public:
  RawChanges(const storage::SyncStore* store, uint64_t seed) : store_(*store), random_(seed) {}

  int Below(int bound) { return static_cast<int>(random_() % static_cast<uint64_t>(bound)); }

  // Puts or deletes what may be a whole instance, half of one, or none.
  void Make() {
    const std::string service = absl::StrCat(Pick({"a", "b"}), "/", Pick({"services", "service", "mine"}), "/", Pick({"s", "t"}));
    const Key key = K(absl::StrCat("/", service, "/", Pick({"i", "j", "members"}), Pick({"", "/port", "/health", "/i"})));
    if (Below(3) == 0) {
      store_.Delete(key, Below(2) == 0 ? Scope::kKey : Scope::kSubtree);
    } else {
      store_.Put(key, Pick({"80", "", "critical", R"({"port": "80"})", "x"}));
    }
  }

  // A record of a registration, or the end of one, or an override.
  void Record() {
    const discovery::InstanceName name{Pick({"a", "b"}), Pick({"s", "t"}), Pick({"i", "j", "members"})};
    const Key key = Below(3) == 0 ? discovery::OverrideKey(name) : discovery::InstanceRecordKey(name);
    if (Below(3) == 0) {
      store_.Delete(key);
    } else {
      store_.Put(key,
                 Pick({R"({"status": "DRAINING"})", R"({"status": "UP", "schema": "printers"})", R"({"reason": "jam"})", "no record"}));
    }
  }

  // Of the last change.
  Revision Rebind() {
    const Key key = discovery::BindingKey(Pick({"a", "b"}), Pick({"s", "*"}));
    Revision bound =
        Below(4) == 0 ? store_.Delete(key).revision : store_.Put(key, Pick({"printers", "service", "members", "mine", "none"})).revision;
    if (Below(5) == 0) {
      bound =
          store_.Put(discovery::SchemaKey("mine"), R"({"name": "mine", "pattern": "/{cluster}/mine/{service}/{instance}[/{property}]"})")
              .revision;
    }
    return bound;
  }

 private:
  std::string Pick(std::vector<std::string> from) { return from[static_cast<size_t>(Below(static_cast<int>(from.size())))]; }

  const storage::SyncStore& store_;
  std::mt19937_64 random_;
};

// Writers that check what they wrote, others that change what the catalog is made by; in the end it is a scan of the store.
TEST_F(CatalogFeedTest, IsEqualToAScanAfterConcurrentWritesAndRebindings) {
  const uint64_t seed = Seed();
  const int writes = std::getenv("SCOUTLIGHT_TORTURE") != nullptr ? 50'000 : 1'500;
  BeginAndLoad();
  std::atomic<int> unseen = 0;
  const auto write = [&](int writer) {
    RawChanges changes(&sync_, seed + static_cast<uint64_t>(writer));
    for (int i = 0; i < writes; ++i) {
      if (changes.Below(4) != 0) {
        changes.Make();
        continue;
      }
      // Of a service of its own, which nobody binds.
      const std::string own = absl::StrCat("w", writer);
      sync_.Put(K(absl::StrCat("/own/services/", own, "/i/port")), absl::StrCat(i));
      const discovery::SnapshotPtr snapshot = feed_->catalog()->Find("own", own);
      const bool seen =
          snapshot != nullptr && snapshot->Find("i") != nullptr && snapshot->Find("i")->properties.at("port") == absl::StrCat(i);
      unseen += seen ? 0 : 1;
    }
  };
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 3; ++writer) writers.emplace_back(write, writer);
  std::atomic<bool> written = false;
  std::thread binder([&] {
    RawChanges changes(&sync_, seed + 99);
    while (!written) EXPECT_TRUE(ClaimsAt(changes.Rebind()).ok());
  });
  for (std::thread& writer : writers) writer.join();
  written = true;
  binder.join();
  const Revision last = sync_.Latest();
  EXPECT_TRUE(ClaimsAt(last).ok()) << "SCOUTLIGHT_SEED=" << seed;
  EXPECT_EQ(unseen, 0) << "SCOUTLIGHT_SEED=" << seed;
  const Instances scanned = Scanned(store_.get(), last);
  EXPECT_EQ(Listed(feed_->catalog().get()), scanned) << "SCOUTLIGHT_SEED=" << seed;
  EXPECT_GE(scanned.size(), 3u);
  EXPECT_GT(loads(), 2);
}

// One life of a server after the other on one data directory, each ended in order or by a crash; whenever it is asked, the catalog is a
// scan.
TEST(CatalogFeedRestart, IsEqualToAScanOverLivesThatEndInOrderAndInCrashes) {
  const uint64_t seed = Seed();
  const int lives = std::getenv("SCOUTLIGHT_TORTURE") != nullptr ? 300 : 12;
  storage::FakeClock clock;
  storage::TemporaryFolder folder;
  std::string path = folder.path() + "/0";
  Instances before;
  size_t instances_seen = 0;
  for (int life = 0; life < lives; ++life) {
    const std::string trace = absl::StrCat("SCOUTLIGHT_SEED=", seed, ", life ", life);
    std::string next = path;
    {
      const std::unique_ptr<storage::Store> store = storage::OpenRocksdbStore(path, clock);
      ASSERT_NE(store, nullptr) << trace;
      const storage::SyncStore sync(store.get());
      CatalogFeedOptions options;
      options.clock = &clock;
      const auto feed = std::make_shared<CatalogFeed>(store.get(), options, [](const std::vector<discovery::ServiceName>&) {});
      feed->Start();
      RawChanges changes(&sync, seed + static_cast<uint64_t>(life));
      // Some come while the catalog is being read for the first time.
      for (int early = changes.Below(3); early > 0; --early) changes.Make();
      const Revision found = sync.Latest();
      store->Follow(found, feed);
      ASSERT_TRUE(AwaitCondition([&] { return feed->catalog() != nullptr; })) << trace;
      Revision bound = found;
      for (int step = changes.Below(60); step > 0; --step) {
        const int kind = changes.Below(10);
        if (kind == 0) {
          bound = changes.Rebind();
        } else if (kind < 4) {
          changes.Record();
        } else {
          changes.Make();
        }
        if (changes.Below(8) != 0) continue;
        const Answer in_force;
        feed->WhenClaimsAt(bound, Answer(in_force).Take());
        ASSERT_TRUE(in_force.Wait().ok()) << trace;
        ASSERT_EQ(Listed(feed->catalog().get()), Scanned(store.get(), sync.Latest())) << trace;
      }
      const Answer in_force;
      feed->WhenClaimsAt(bound, Answer(in_force).Take());
      ASSERT_TRUE(in_force.Wait().ok()) << trace;
      before = Listed(feed->catalog().get());
      ASSERT_EQ(before, Scanned(store.get(), sync.Latest())) << trace;
      instances_seen += before.size();
      if (changes.Below(2) == 0) {
        // What a crash now would leave. A copy during which the store dropped a file is made anew.
        next = absl::StrCat(folder.path(), "/", life + 1);
        ASSERT_TRUE(AwaitCondition([&] {
          std::error_code failed;
          std::filesystem::remove_all(next, failed);
          std::filesystem::copy(path, next, std::filesystem::copy_options::recursive, failed);
          return !failed;
        })) << trace;
      }
      feed->Stop();
    }
    // What the next life finds is what this one showed last.
    {
      const std::unique_ptr<storage::Store> store = storage::OpenRocksdbStore(next, clock);
      ASSERT_NE(store, nullptr) << trace;
      ASSERT_EQ(Scanned(store.get(), storage::SyncStore(store.get()).Latest()), before) << trace;
    }
    if (next != path) std::filesystem::remove_all(path);
    path = next;
  }
  EXPECT_GT(instances_seen, 0u) << "SCOUTLIGHT_SEED=" << seed;
}

}  // namespace
}  // namespace scoutlight::server

// What the tests of Registrar share: one over a memory store in which a test can come before it, and its catalog.
#ifndef SCOUTLIGHT_SERVER_DISCOVERY_REGISTRAR_FIXTURE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_REGISTRAR_FIXTURE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "discovery/bindings.h"
#include "discovery/catalog.h"
#include "discovery/instance.h"
#include "discovery/system_records.h"
#include "gtest/gtest.h"
#include "server/discovery/catalog_feed.h"
#include "server/discovery/raced_store.h"
#include "server/discovery/registrar.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {

inline constexpr int kTries = 8;  // So often a change is tried.
inline constexpr absl::Duration kTtl = absl::Seconds(30);
inline const discovery::InstanceName kName{"c", "s", "i"};
inline const discovery::Properties kPort = {{"port", "80"}};

class RegistrarTest : public ::testing::Test {
 protected:
  RegistrarTest()
      : store_(storage::OpenMemoryStore(clock_)),
        raced_(store_.get()),
        feed_store_(store_.get()),
        sync_(store_.get()),
        feed_(std::make_shared<CatalogFeed>(&feed_store_, CatalogFeedOptions{.clock = &clock_},
                                            [](const std::vector<discovery::ServiceName>&) {})),
        registrar_({.store = &raced_, .feed = feed_.get(), .clock = &clock_, .random = [this] { return ++drawn_; }}) {
    feed_->Start();
    store_->Follow(sync_.Latest(), feed_);
    EXPECT_TRUE(storage::AwaitCondition([this] { return feed_->catalog() != nullptr; }));
  }
  ~RegistrarTest() override {
    feed_store_.LetReads();
    feed_->Stop();
  }

  // The registrar may answer inside the call, which a store may not: through a thread of its own.
  template <typename Request>
  ChangedInstance Ask(void (Registrar::*method)(Request, Registrar::Done), Request request) {
    Mutex mu;
    CondVar changed;
    std::optional<ChangedInstance> answer;
    (registrar_.*method)(std::move(request), [&](ChangedInstance instance) {
      MutexLock lock(&mu);
      EXPECT_FALSE(answer.has_value());
      answer = std::move(instance);
      changed.NotifyAll();
    });
    MutexLock lock(&mu);
    while (!answer.has_value()) changed.Wait(&mu);
    return *std::move(answer);
  }
  ChangedInstance Register(Registration registration) { return Ask(&Registrar::Register, std::move(registration)); }
  ChangedInstance Change(Update update) { return Ask(&Registrar::Change, std::move(update)); }
  ChangedInstance Deregister(Revision epoch = 0) {
    return Ask(&Registrar::Deregister, Deregistration{.name = kName, .epoch = epoch, .origin = {.connection = 1}});
  }
  static Registration Of(const std::string& session, const discovery::Properties& properties = kPort) {
    return {.name = kName, .properties = properties, .ttl = kTtl, .session = session};
  }

  Revision Bind(absl::string_view service, absl::string_view schema) {
    const Revision revision = sync_.Put(discovery::BindingKey("c", service), schema).revision;
    ClaimsCome(revision);
    return revision;
  }
  // Schemas and bindings of `revision` are in force.
  void ClaimsCome(Revision revision) {
    std::atomic<bool> in_force = false;
    feed_->WhenClaimsAt(revision, [&in_force](const absl::Status& status) { in_force = status.ok(); });
    EXPECT_TRUE(storage::AwaitCondition([&] { return in_force.load(); }));
  }
  // Schemas beside those that are there from the start: each of the kinds of keys.
  void PutSchemas() const {
    const auto put = [this](const std::string& name, const std::string& pattern, const std::string& serializer) {
      sync_.Put(discovery::SchemaKey(name), absl::StrCat(R"({"name": ")", name, R"(", "pattern": ")", pattern, R"(", "serializer": ")",
                                                         serializer, R"(", "properties": {"port": {"type": "port"}}})"));
    };
    put("devices", "/{cluster}/devices/{service}/{instance}/{property}", "text");
    put("instruments", "/{cluster}/devices/{service}/{instance}/{property}", "text");  // As devices.
    put("boxes", "/{cluster}/boxes/{service}/{instance}", "json");
  }
  // The keys and values of no system tree.
  std::vector<std::string> Entries() const {
    std::vector<std::string> entries;
    for (const Entry& entry : sync_.List(Key(), Scope::kSubtree)) {
      if (entry.has_value) entries.push_back(absl::StrCat(entry.key.path(), "=", entry.value.bytes));
    }
    return entries;
  }
  // What is stored, and on which leases.
  std::vector<std::string> Everything() const {
    std::vector<std::string> all;
    for (const Key& root : {Key(), storage::K(kSystemTree)}) {
      for (const Entry& entry : sync_.List(root, Scope::kSubtree)) {
        if (entry.has_value)
          all.push_back(absl::StrCat(entry.key.path(), "@", entry.mod_revision, "#", entry.lease_id, "=", entry.value.bytes));
      }
    }
    for (const auto& lease : sync_.ListLeases().leases) all.push_back(absl::StrCat("lease ", lease.id));
    return all;
  }
  // Leases that leave an instance are revoked behind its answer.
  bool LeasesCome(size_t to) const {
    return storage::AwaitCondition([&] { return sync_.ListLeases().leases.size() == to; });
  }
  std::string Shown(absl::string_view property = "port") const {
    const discovery::InstancePtr instance = feed_->catalog()->FindInstance(kName);
    if (instance == nullptr) return "none";
    const std::string* const value = discovery::FindProperty(instance->properties, property);
    return value == nullptr ? "" : *value;
  }
  // Somebody else changes the record, and nothing about the instance.
  void TouchRecord() const {
    const Key key = discovery::InstanceRecordKey(kName);
    const std::optional<Entry> record = sync_.Get(key);
    if (record.has_value()) {
      sync_.Put(key, record->value.bytes, record->lease_id);
    } else {
      sync_.Put(storage::K("/c/services/s/i/touched"), "x");
      sync_.Put(key, "{}");
      sync_.Delete(key);
    }
  }

  storage::FakeClock clock_;
  std::unique_ptr<storage::Store> store_;
  RacedStore raced_;       // The registrar's.
  RacedStore feed_store_;  // The catalog's.
  const storage::SyncStore sync_;
  std::atomic<uint64_t> drawn_ = 0;
  std::shared_ptr<CatalogFeed> feed_;  // Goes before the store.
  Registrar registrar_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_REGISTRAR_FIXTURE_H_

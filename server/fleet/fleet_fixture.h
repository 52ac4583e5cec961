#ifndef SCOUTLIGHT_SERVER_FLEET_FLEET_FIXTURE_H_
#define SCOUTLIGHT_SERVER_FLEET_FLEET_FIXTURE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "server/fleet/fleet.h"
#include "server/fleet/fleet_records.h"
#include "server/watch/watch_hub.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_engine.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {

// What a server knows by itself, as its test tells it. Thread-safe.
class FakeLocal {
 public:
  explicit FakeLocal(Revision reached) : reached_(reached) {}  // By its catalog.

  LocalDrains drains() {
    return {.new_number = [this] { return 1'000 + drawn_.fetch_add(1); },
            .follow = [this](uint64_t number, DrainWait wait, DrainWaits::Tell tell) { Follow(number, std::move(wait), std::move(tell)); },
            .end = [this](uint64_t number) { End(number); },
            .when_at =
                [this](Revision revision, absl::AnyInvocable<void(absl::Status) &&> done) {
                  asked_.fetch_add(1);
                  std::move(done)(revision <= reached_ ? absl::OkStatus() : absl::UnavailableError("not yet"));
                },
            .on_server_gone = [this] { gone_.fetch_add(1); },
            .on_admitted = [this] { admitted_ = true; },
            .end_subscribers = [this](const absl::Status& /*reason*/, absl::AnyInvocable<void() &&> done) { End(std::move(done)); }};
  }

  // The only wait that goes on.
  std::optional<DrainWait> followed() const {
    MutexLock lock(&mu_);
    EXPECT_LE(follows_.size(), 1u);
    return follows_.empty() ? std::nullopt : std::optional(follows_.begin()->second.wait);
  }
  // Tells how that stands.
  void Tell(DrainStanding standing) {
    MutexLock lock(&mu_);
    ASSERT_EQ(follows_.size(), 1u);
    follows_.begin()->second.tell(std::move(standing));
  }
  void Complete() { Tell({.settled = true, .outcome = {.complete = true}}); }

  int begun() const {
    MutexLock lock(&mu_);
    return begun_;
  }
  void SetReached(Revision revision) { reached_ = revision; }
  int asked() const { return asked_; }
  int gone() const { return gone_; }
  bool admitted() const { return admitted_; }
  // Its subscribers are ended only when the test says so.
  void HoldSubscribers() {
    MutexLock lock(&mu_);
    holds_subscribers_ = true;
  }
  void EndSubscribers() {
    MutexLock lock(&mu_);
    holds_subscribers_ = false;
    if (ended_) std::move(ended_)();
  }

 private:
  struct Followed {
    DrainWait wait;
    DrainWaits::Tell tell;
  };

  void Follow(uint64_t number, DrainWait wait, DrainWaits::Tell tell) {
    MutexLock lock(&mu_);
    ++begun_;
    EXPECT_TRUE(follows_.try_emplace(number, Followed{std::move(wait), std::move(tell)}).second);
  }
  void End(uint64_t number) {
    MutexLock lock(&mu_);
    follows_.erase(number);
  }
  void End(absl::AnyInvocable<void() &&> done) {
    MutexLock lock(&mu_);
    if (!holds_subscribers_) return std::move(done)();
    ended_ = std::move(done);
  }

  std::atomic<uint64_t> drawn_ = 0;
  std::atomic<Revision> reached_;
  std::atomic<int> asked_ = 0;
  std::atomic<int> gone_ = 0;
  std::atomic<bool> admitted_ = false;
  mutable Mutex mu_;
  int begun_ ABSL_GUARDED_BY(mu_) = 0;
  bool holds_subscribers_ ABSL_GUARDED_BY(mu_) = false;
  absl::AnyInvocable<void() &&> ended_ ABSL_GUARDED_BY(mu_);
  absl::btree_map<uint64_t, Followed> follows_ ABSL_GUARDED_BY(mu_);
};

// Places for drains, as many as are asked for.
class FakePlaces final : public DrainAwaiter {
 public:
  absl::StatusOr<uint64_t> TakeDrainPlace() override { return ++taken_; }
  void GiveBackDrainPlace() override {}
  void AwaitConfirmed(uint64_t, DrainWait, DrainWaits::Done) override { ADD_FAILURE() << "of this server alone"; }
  void EndWait(uint64_t) override { ADD_FAILURE() << "of this server alone"; }

 private:
  std::atomic<uint64_t> taken_ = 0;
};

// One server of several.
struct FleetMember {
  FleetMember(storage::Store* store, Clock* clock, WatchHub* hub, uint64_t seed, std::string address, Revision reached = 1LL << 40)
      : local(reached),
        random(seed),
        fleet({.store = store, .clock = clock, .random = [this] { return random(); }, .local = local.drains()}, &places) {
    fleet.Start(hub, std::move(address));
  }

  FakeLocal local;
  FakePlaces places;
  std::mt19937_64 random;  // The fleet's thread's.
  Fleet fleet;
};

// Servers over a store in memory, whose time stands still until a test moves it.
class FleetTest : public ::testing::Test {
 protected:
  FleetTest() {
    storage::LocalStoreOptions options;
    options.random = [random = std::mt19937_64(7)]() mutable { return random(); };
    auto store = storage::OpenLocalStore(storage::NewMemoryEngine("00112233445566778899aabbccddeeff"), std::move(options));
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    sync_ = std::make_unique<storage::SyncStore>(store_.get());
    hub_ = std::make_unique<WatchHub>(store_.get(), WatchHubOptions{});
    hub_->Start();
  }

  // Known to all that there are.
  std::unique_ptr<FleetMember> Join(absl::string_view address) { return JoinOver(store_.get(), address); }
  // Over what stands before the store.
  std::unique_ptr<FleetMember> JoinOver(storage::Store* store, absl::string_view address) {
    auto member = std::make_unique<FleetMember>(store, &clock_, hub_.get(), ++members_, std::string(address));
    EXPECT_TRUE(storage::AwaitCondition([&] { return IdOf(address).has_value() && member->local.admitted(); }));
    return member;
  }
  std::optional<Entry> RecordOf(absl::string_view address) const {
    for (const Entry& entry : sync_->List(ServersTree(), Scope::kChildren)) {
      if (ParseServerRecord(entry.value.bytes)->address == address) return entry;
    }
    return std::nullopt;
  }
  std::optional<std::string> IdOf(absl::string_view address) const {
    const std::optional<Entry> entry = RecordOf(address);
    return entry.has_value() ? std::optional(std::string(entry->key.name())) : std::nullopt;
  }
  std::vector<std::string> DrainKeys() const { return storage::Paths(sync_->List(DrainsTree(), Scope::kSubtree)); }

  // So much as has been put by now has been brought to `member` by its watch: a drain that its catalog has not come to is seen there.
  void AwaitWatched(FleetMember& member) {
    const int before = member.local.asked();
    const std::string drain = absl::StrCat("watched", ++watched_);
    const DrainRecord record{.name = {"c", "s", "i"}, .revision = 1LL << 60, .timeout = absl::Seconds(1)};
    ASSERT_TRUE(sync_->Put(DrainKey(drain), EncodeDrainRecord(record)).status.ok());
    ASSERT_TRUE(storage::AwaitCondition([&] { return member.local.asked() > before; }));
    ASSERT_TRUE(sync_->Delete(DrainKey(drain)).status.ok());
  }

  // What a server has told of the only drain that there is; nothing, if it has not.
  DrainStanding StandingOf(const std::string& server) const {
    for (const Entry& entry : sync_->List(DrainsTree(), Scope::kSubtree)) {
      if (entry.key.name() == server) return *ParseStanding(entry.value.bytes);
    }
    return {};
  }

  // How often it has told something of the only drain that there is.
  int64_t PutsOfStanding(const std::string& server) const {
    for (const Entry& entry : sync_->List(DrainsTree(), Scope::kSubtree)) {
      if (entry.key.name() == server) return entry.version;
    }
    return 0;
  }

  // A drain that waits, or has waited.
  struct Waited {
    std::optional<DrainOutcome> outcome() const {
      MutexLock lock(&mu);
      return answer;
    }
    bool answered() const { return outcome().has_value(); }
    DrainOutcome Await() const {
      EXPECT_TRUE(storage::AwaitCondition([this] { return answered(); }));
      return outcome().value_or(DrainOutcome());
    }

    mutable Mutex mu;
    std::optional<DrainOutcome> answer ABSL_GUARDED_BY(mu);
  };
  static std::shared_ptr<Waited> Drain(FleetMember& member, uint64_t number = 1, absl::Duration timeout = absl::Seconds(60)) {
    auto waited = std::make_shared<Waited>();
    member.fleet.AwaitConfirmed(number, {.name = {"default", "Printer", "laser"}, .revision = 5, .timeout = timeout},
                                [waited](DrainOutcome outcome) {
                                  MutexLock lock(&waited->mu);
                                  EXPECT_FALSE(waited->answer.has_value());
                                  waited->answer = std::move(outcome);
                                });
    return waited;
  }
  static bool AwaitFollowed(const FleetMember& member) {
    return storage::AwaitCondition([&] { return member.local.followed().has_value(); });
  }
  bool AwaitCleared() const {
    return storage::AwaitCondition([this] { return DrainKeys().empty(); });
  }

  storage::FakeClock clock_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<storage::SyncStore> sync_;
  std::unique_ptr<WatchHub> hub_;
  uint64_t members_ = 0;
  int watched_ = 0;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_FLEET_FLEET_FIXTURE_H_

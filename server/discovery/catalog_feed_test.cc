// The catalog over real stores. SCOUTLIGHT_SEED repeats a run's choices; SCOUTLIGHT_TORTURE makes it long.

#include "server/discovery/catalog_feed.h"

#include <atomic>
#include <cstdlib>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/system_records.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/forwarding_store.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {
namespace {

using discovery::Catalog;
using discovery::Instance;
using discovery::InstanceName;
using discovery::SnapshotPtr;
using storage::AwaitCondition;
using storage::K;
using ::testing::Contains;
using ::testing::HasSubstr;
using Instances = std::map<InstanceName, Instance>;

// A store whose reads a test holds back; all else is that of the store below.
class GatedStore final : public storage::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  // Reads are kept from now on.
  void Close() {
    MutexLock lock(&mu_);
    open_ = false;
  }
  void Open() {
    std::vector<std::pair<storage::Query, storage::Done<storage::Page>>> held;
    {
      MutexLock lock(&mu_);
      open_ = true;
      held = std::exchange(held_, {});
    }
    for (auto& [query, done] : held) store_.Read(std::move(query), std::move(done));
  }
  // Whether somebody is being kept.
  bool holds() const {
    MutexLock lock(&mu_);
    return !held_.empty();
  }
  // Runs before each answer from history.
  void BeforeHistory(std::function<void()> step) {
    MutexLock lock(&mu_);
    before_history_ = std::move(step);
  }
  // Runs once, before the next answer of the state at a revision that was named.
  void BeforePinnedRead(std::function<void()> step) {
    MutexLock lock(&mu_);
    before_pinned_read_ = std::move(step);
  }
  // The next reads end with this.
  void FailReads(int reads) {
    MutexLock lock(&mu_);
    failures_ = reads;
  }

  void Read(storage::Query query, storage::Done<storage::Page> done) override {
    std::function<void()> step;
    {
      MutexLock lock(&mu_);
      if (query.revision != 0) step = std::exchange(before_pinned_read_, nullptr);
    }
    if (step) step();
    {
      MutexLock lock(&mu_);
      if (!open_) return held_.emplace_back(std::move(query), std::move(done)), void();
      if (failures_ > 0) {
        --failures_;
        query.revision = 1'000'000'000;  // Which is in the future.
      }
    }
    store_.Read(std::move(query), std::move(done));
  }
  void History(Revision from, Revision to, KeyRange range, size_t bytes_max, storage::Done<storage::HistoryPage> done) override {
    std::function<void()> step;
    {
      MutexLock lock(&mu_);
      step = before_history_;
    }
    if (step) step();
    store_.History(from, to, std::move(range), bytes_max, std::move(done));
  }

 private:
  mutable Mutex mu_;
  bool open_ ABSL_GUARDED_BY(mu_) = true;
  int failures_ ABSL_GUARDED_BY(mu_) = 0;
  std::function<void()> before_history_ ABSL_GUARDED_BY(mu_);
  std::function<void()> before_pinned_read_ ABSL_GUARDED_BY(mu_);
  std::vector<std::pair<storage::Query, storage::Done<storage::Page>>> held_ ABSL_GUARDED_BY(mu_);
};

Instances Listed(Catalog* catalog) {
  Instances listed;
  for (const std::string& cluster : catalog->Clusters()) {
    for (const Catalog::ServiceCount& count : catalog->Services(cluster)) {
      catalog->Find(cluster, count.service)->ForEachAfter("", [&](const discovery::InstancePtr& instance) {
        listed[instance->name] = *instance;
        return true;
      });
    }
  }
  return listed;
}

// What every entry of the store makes at `revision`.
Instances Scanned(
    storage::Store* store, Revision revision, const Warn& warn = [](absl::string_view) {}) {
  const storage::SyncStore sync(store);
  StoreReader reader(store, [] { return false; });
  EXPECT_EQ(reader.Pin().value(), revision);
  Catalog catalog(LoadClaims(&reader, warn).value());
  for (const Key& root : {Key(), K(kSystemTree)}) {
    for (const Entry& entry : sync.List(root, Scope::kSubtree, revision)) {
      if (entry.has_value) catalog.Fill(entry);
    }
  }
  catalog.FillUpTo(revision);
  return Listed(&catalog);
}

// An answer that may come inside the call.
class Answer {
 public:
  CatalogFeed::Waiter Take() {
    return [answer = answer_](const absl::Status& status) { answer->set_value(status); };
  }
  bool ready() const { return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
  absl::Status Wait() const {
    if (future_.wait_for(std::chrono::seconds(60)) != std::future_status::ready) return absl::DeadlineExceededError("no answer");
    return future_.get();
  }

 private:
  std::shared_ptr<std::promise<absl::Status>> answer_ = std::make_shared<std::promise<absl::Status>>();
  std::shared_future<absl::Status> future_ = answer_->get_future().share();
};

class CatalogFeedTest : public ::testing::Test {
 protected:
  CatalogFeedTest() : store_(storage::OpenMemoryStore(clock_)), gate_(store_.get()), sync_(store_.get()) {}
  ~CatalogFeedTest() override {
    gate_.Open();
    if (feed_ != nullptr) feed_->Stop();
  }

  // Follows the store from its latest revision on.
  void Begin(CatalogFeedOptions options = {}) {
    options.clock = &clock_;
    options.retry_after = absl::Milliseconds(1);
    options.warn = [this](absl::string_view warning) {
      MutexLock lock(&mu_);
      warnings_.emplace_back(warning);
    };
    feed_ = std::make_shared<CatalogFeed>(&gate_, std::move(options), [this](const std::vector<discovery::ServiceName>& services) {
      MutexLock lock(&mu_);
      for (const discovery::ServiceName& service : services) changed_.push_back(service);
      loads_ += services.empty() ? 1 : 0;
    });
    feed_->Start();
    store_->Follow(sync_.Latest(), feed_);
  }
  void BeginAndLoad(CatalogFeedOptions options = {}) {
    Begin(std::move(options));
    ASSERT_TRUE(AwaitCondition([&] { return feed_->catalog() != nullptr; }));
  }

  absl::Status At(Revision revision) {
    const Answer answer;
    feed_->WhenAt(revision, Answer(answer).Take());
    return answer.Wait();
  }
  absl::Status ClaimsAt(Revision revision) {
    const Answer answer;
    feed_->WhenClaimsAt(revision, Answer(answer).Take());
    return answer.Wait();
  }

  Revision Put(absl::string_view path, absl::string_view text) {
    const storage::CommitResult result = sync_.Put(K(path), text);
    EXPECT_TRUE(result.status.ok()) << result.status;
    return result.revision;
  }
  // The value that the catalog shows; "none": the instance is not there.
  std::string Shown(absl::string_view service, absl::string_view id, absl::string_view property) {
    const SnapshotPtr snapshot = feed_->catalog()->Find("c", service);
    const discovery::InstancePtr instance = snapshot == nullptr ? nullptr : snapshot->Find(id);
    if (instance == nullptr) return "none";
    const std::string* const value = discovery::FindProperty(instance->properties, property);
    return value == nullptr ? "" : *value;
  }
  std::vector<std::string> warnings() const {
    MutexLock lock(&mu_);
    return warnings_;
  }
  std::vector<discovery::ServiceName> changed() const {
    MutexLock lock(&mu_);
    return changed_;
  }
  int loads() const {
    MutexLock lock(&mu_);
    return loads_;
  }

  storage::FakeClock clock_;
  std::unique_ptr<storage::Store> store_;
  GatedStore gate_;
  const storage::SyncStore sync_;
  mutable Mutex mu_;
  std::vector<std::string> warnings_ ABSL_GUARDED_BY(mu_);
  std::vector<discovery::ServiceName> changed_ ABSL_GUARDED_BY(mu_);
  int loads_ ABSL_GUARDED_BY(mu_) = 0;
  std::shared_ptr<CatalogFeed> feed_;  // Goes before the store and what it tells.
};

TEST_F(CatalogFeedTest, LoadsWhatWasThereBefore) {
  Put("/c/services/s/i/port", "80");
  Put("/c/service/t/i", "");
  Put("/.scoutlight/bindings/c/t", "service");
  Put("/.scoutlight/overrides/c/s/i", R"({"reason": "jam"})");
  const Revision last = Put("/own/key", "x");
  BeginAndLoad();
  EXPECT_TRUE(At(last).ok());
  EXPECT_EQ(Shown("s", "i", "port"), "80");
  EXPECT_EQ(Shown("t", "i", "port"), "");
  EXPECT_EQ(feed_->catalog()->Find("c", "s")->resolvable(), 0u);
  EXPECT_EQ(feed_->catalog()->revision(), last);
  EXPECT_EQ(feed_->claims().revision, last);
  EXPECT_EQ(Listed(feed_->catalog().get()), Scanned(store_.get(), last));
}

TEST_F(CatalogFeedTest, ReadsItsOwnWrites) {
  BeginAndLoad();
  for (int i = 0; i < 200; ++i) {
    const Revision revision = Put(absl::StrCat("/c/services/s/i", i % 7, "/port"), absl::StrCat(i));
    ASSERT_EQ(Shown("s", absl::StrCat("i", i % 7), "port"), absl::StrCat(i));
    ASSERT_GE(feed_->catalog()->revision(), revision);
    ASSERT_GE(feed_->claims().revision, revision);
  }
  sync_.Delete(K("/c/services/s"), Scope::kSubtree);
  EXPECT_EQ(feed_->catalog()->Find("c", "s"), nullptr);
  EXPECT_THAT(changed(), Contains(discovery::ServiceName{"c", "s"}).Times(201));
}

TEST_F(CatalogFeedTest, KeysOfAnEndedLeaseAreGone) {
  BeginAndLoad();
  const storage::LeaseResult lease = sync_.Grant(absl::Seconds(30));
  ASSERT_TRUE(sync_.Put(K("/c/services/s/i/port"), "80", lease.lease.id).status.ok());
  EXPECT_EQ(Shown("s", "i", "port"), "80");
  ASSERT_TRUE(sync_.Revoke(lease.lease.id).status.ok());
  EXPECT_EQ(Shown("s", "i", "port"), "none");
}

TEST_F(CatalogFeedTest, RebindingIsReadAnewWhileOthersAreServed) {
  Put("/c/services/s/i/port", "80");
  Put("/c/services/t/i/port", "80");
  BeginAndLoad();
  gate_.Close();
  const Revision bound = Put("/.scoutlight/bindings/c/t", "none");
  ASSERT_TRUE(AwaitCondition([&] { return gate_.holds(); }));
  const Answer in_force;
  feed_->WhenClaimsAt(bound, Answer(in_force).Take());
  // Of another service, and of the one that is being bound anew: the old schema holds meanwhile.
  const Revision after = Put("/c/services/s/i/port", "81");
  Put("/c/services/t/j/port", "82");
  EXPECT_EQ(Shown("s", "i", "port"), "81");
  EXPECT_EQ(Shown("t", "j", "port"), "82");
  EXPECT_TRUE(At(after).ok());
  EXPECT_LT(feed_->claims().revision, bound);
  EXPECT_FALSE(in_force.ready());
  gate_.Open();
  EXPECT_TRUE(in_force.Wait().ok());
  EXPECT_EQ(Shown("t", "i", "port"), "none");
  EXPECT_EQ(Shown("s", "i", "port"), "81");
  EXPECT_GE(feed_->claims().revision, bound);
  EXPECT_EQ(Listed(feed_->catalog().get()), Scanned(store_.get(), sync_.Latest()));
}

TEST_F(CatalogFeedTest, ChangesDuringAReadingAskForAnother) {
  BeginAndLoad();
  gate_.Close();
  Put("/.scoutlight/bindings/c/s", "none");
  ASSERT_TRUE(AwaitCondition([&] { return gate_.holds(); }));
  const Revision last = Put("/.scoutlight/bindings/c/s", "members");
  gate_.Open();
  EXPECT_TRUE(ClaimsAt(last).ok());
  Put("/c/services/s/members/i", R"({"port": "80"})");
  EXPECT_EQ(Shown("s", "i", "port"), "80");
}

TEST_F(CatalogFeedTest, NewSchemaIsUsed) {
  BeginAndLoad();
  Put("/.scoutlight/schemas/mine", R"({"name": "mine", "pattern": "/{cluster}/mine/{service}/{instance}", "serializer": "json"})");
  Put("/c/mine/s/i", R"({"port": 80})");
  const Revision bound = Put("/.scoutlight/bindings/c/*", "mine");
  EXPECT_TRUE(ClaimsAt(bound).ok());
  EXPECT_EQ(Shown("s", "i", "port"), "80");
  EXPECT_NE(feed_->claims().claims->FindSchema("mine"), nullptr);
}

TEST_F(CatalogFeedTest, WhatCannotBeReadIsLeftOutAndWarnedOf) {
  Put("/.scoutlight/schemas/broken", "{");
  Put("/.scoutlight/schemas/turned", R"({"name": "turned", "pattern": "/{service}/services/{cluster}/{instance}/{property}"})");
  Put("/.scoutlight/bindings/c/t", "nowhere");
  Put("/.scoutlight/bindings/c/u", "none");
  Put("/c/services/s/i/port", "80");
  Put("/c/services/u/i/port", "80");
  BeginAndLoad();
  EXPECT_EQ(Shown("s", "i", "port"), "80");
  EXPECT_EQ(Shown("u", "i", "port"), "none");
  EXPECT_THAT(warnings(), Contains(HasSubstr("/.scoutlight/schemas/broken cannot be read")));
  EXPECT_THAT(warnings(), Contains(HasSubstr("schema turned is left out")));
  EXPECT_THAT(warnings(), Contains(HasSubstr("the binding of c/t to nowhere is left out")));
}

// However much of it does not fit, each is looked at once: looking at each together with all before it took half a minute here.
TEST_F(CatalogFeedTest, ManyThatDoNotFitAreLeftOutOneByOne) {
  storage::Transaction transaction;
  const auto flush = [&] { ASSERT_TRUE(sync_.Commit(std::exchange(transaction, {})).status.ok()); };
  const auto put = [&](const Key& key, const std::string& text) {
    transaction.on_success.push_back(storage::PutOf(key, text));
    if (transaction.on_success.size() == static_cast<size_t>(limits::kOperationsMax)) flush();
  };
  // Beside the shipped ones: half of them fit.
  for (int i = 0; i < limits::kSchemasMax; ++i) {
    const std::string name = absl::StrCat("s", 1'000 + i);
    const char* const pattern =
        i % 2 == 0 ? "/{cluster}/services/{service}/{instance}/{property}" : "/{service}/services/{cluster}/{instance}/{property}";
    put(discovery::SchemaKey(name), absl::StrCat("{\"name\": \"", name, "\", \"pattern\": \"", pattern, "\"}"));
  }
  for (int i = 0; i < limits::kBindingsMax + 100; ++i)
    put(discovery::BindingKey("c", absl::StrCat("b", 100'000 + i)), i % 100 == 0 ? "nowhere" : "none");
  put(discovery::BindingKey("c", "a"), "s1002");
  put(discovery::BindingKey("c", "aa"), "s1001");
  flush();
  BeginAndLoad();
  EXPECT_EQ(feed_->claims().claims->schemas().size(), 3u + limits::kSchemasMax / 2);
  EXPECT_EQ(feed_->claims().claims->SchemaOf("c", "a")->name, "s1002");
  EXPECT_EQ(feed_->claims().claims->SchemaOf("c", "aa")->name, "printers");
  EXPECT_EQ(feed_->claims().claims->SchemaOf("c", "b100001"), nullptr);
  EXPECT_THAT(warnings(), Contains(HasSubstr("to nowhere is left out")).Times(101));
}

TEST_F(CatalogFeedTest, GapReadsAnew) {
  for (int i = 0; i < 10; ++i) Put("/c/services/s/i/port", absl::StrCat(i));
  BeginAndLoad();
  const int before = loads();
  const Revision last = Put("/c/services/s/i/port", "last");
  ASSERT_TRUE(storage::Await<storage::CompactResult>([&](auto done) { store_->Compact(last, std::move(done)); }).status.ok());
  store_->Follow(2, feed_);
  ASSERT_TRUE(AwaitCondition([&] { return loads() > before; }));
  EXPECT_EQ(Shown("s", "i", "port"), "last");
  const Revision more = Put("/c/services/s/i/port", "more");
  EXPECT_TRUE(At(more).ok());
  EXPECT_EQ(Shown("s", "i", "port"), "more");
}

TEST_F(CatalogFeedTest, PastThatIsShownAgainChangesNothing) {
  const Revision first = Put("/c/services/s/i/port", "1");
  Put("/c/services/s/i/port", "2");
  Put("/.scoutlight/bindings/c/t", "none");
  BeginAndLoad();
  const Revision reached = feed_->catalog()->revision();
  const storage::HistoryPage past = sync_.History(first, reached, {Key(), Scope::kSubtree}, limits::kMiB);
  ASSERT_EQ(past.batches.size(), 3u);
  const int before = loads();
  for (const std::shared_ptr<const Batch>& batch : past.batches) {
    feed_->OnBatch(batch);
    ASSERT_EQ(Shown("s", "i", "port"), "2") << "at " << batch->revision;
  }
  EXPECT_EQ(feed_->claims().revision, reached);
  EXPECT_TRUE(At(Put("/c/services/s/i/port", "3")).ok());
  EXPECT_EQ(Shown("s", "i", "port"), "3");
  EXPECT_EQ(loads(), before);
}

// A catalog that is this far behind gets the rest at once.
constexpr int kNearBatches = 64;

// However fast history is read, as much happens meanwhile: what there is to say of a reading after `rounds` pieces.
struct Race {
  int rounds;
  int changes_during_last;
  bool won;
};

class CatalogFeedRaceTest : public CatalogFeedTest, public ::testing::WithParamInterface<Race> {};

TEST_P(CatalogFeedRaceTest, ReadingEndsWhenItIsNearOrBeginsAnewAfterSoManyPieces) {
  const Race race = GetParam();
  CatalogFeedOptions options;
  options.bring_up_rounds_max = 3;
  BeginAndLoad(std::move(options));
  std::atomic<int> port = 0;
  std::atomic<int> pieces = 0;
  const auto change = [&](int times) {
    for (int i = 0; i < times; ++i) Put("/c/services/s/i/port", absl::StrCat(++port));
  };
  gate_.BeforePinnedRead([&] { change(kNearBatches + 1); });
  gate_.BeforeHistory([&] {
    ++pieces;
    EXPECT_EQ(Shown("s", "i", "port"), absl::StrCat(port.load())) << "the old catalog is kept true meanwhile";
    if (pieces <= race.rounds) change(pieces < race.rounds ? kNearBatches + 1 : race.changes_during_last);
  });
  const int before = loads();
  const Revision bound = Put("/.scoutlight/bindings/c/t", "none");
  ASSERT_TRUE(AwaitCondition([&] { return loads() > before; }));
  EXPECT_EQ(pieces, race.rounds);
  EXPECT_THAT(warnings(), Contains(HasSubstr("3 pieces of what has happened meanwhile")).Times(race.won ? 0 : 1));
  EXPECT_TRUE(ClaimsAt(bound).ok());
  EXPECT_EQ(Listed(feed_->catalog().get()), Scanned(store_.get(), sync_.Latest()));
  EXPECT_EQ(Shown("s", "i", "port"), absl::StrCat(port.load()));
}

INSTANTIATE_TEST_SUITE_P(All, CatalogFeedRaceTest,
                         ::testing::Values(Race{.rounds = 1, .changes_during_last = kNearBatches, .won = true},
                                           Race{.rounds = 3, .changes_during_last = kNearBatches, .won = true},
                                           Race{.rounds = 3, .changes_during_last = kNearBatches + 1, .won = false}));

TEST_F(CatalogFeedTest, SchemasThatChangeJustBeforeTheEndAskForAnotherReading) {
  BeginAndLoad();
  gate_.BeforePinnedRead([&] { Put("/.scoutlight/bindings/c/s", "members"); });
  const Revision bound = Put("/.scoutlight/bindings/c/t", "none");
  EXPECT_TRUE(ClaimsAt(bound + 1).ok());
  Put("/c/services/s/members/i", R"({"port": "80"})");
  EXPECT_EQ(Shown("s", "i", "port"), "80");
}

TEST_F(CatalogFeedTest, FailedReadingIsWarnedOfAndTriedAgain) {
  gate_.FailReads(2);
  Put("/c/services/s/i/port", "80");
  BeginAndLoad();
  EXPECT_EQ(Shown("s", "i", "port"), "80");
  EXPECT_THAT(warnings(), Contains(HasSubstr("could not be read, which is tried again")).Times(2));
}

TEST_F(CatalogFeedTest, WithoutACatalogNobodyWaits) {
  gate_.Close();
  Begin();
  const absl::Status status = At(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), Reason::kCatalogLoading);
  EXPECT_EQ(feed_->catalog(), nullptr);
  EXPECT_EQ(feed_->claims().claims, nullptr);
}

TEST_F(CatalogFeedTest, WaitsUntilTheRevisionComes) {
  BeginAndLoad();
  const Revision next = sync_.Latest() + 1;
  const Answer at;
  const Answer claims;
  feed_->WhenAt(next, Answer(at).Take());
  feed_->WhenClaimsAt(next, Answer(claims).Take());
  EXPECT_FALSE(at.ready());
  EXPECT_FALSE(claims.ready());
  EXPECT_EQ(Put("/own/key", "x"), next);
  EXPECT_TRUE(at.Wait().ok());
  EXPECT_TRUE(claims.Wait().ok());
  // What has come is answered within the call.
  const Answer again;
  feed_->WhenAt(next, Answer(again).Take());
  EXPECT_TRUE(again.ready());
}

TEST_F(CatalogFeedTest, WaitingEndsInTime) {
  BeginAndLoad();
  const CatalogFeedOptions defaults;
  const Answer at;
  const Answer claims;
  const Answer applied;
  feed_->WhenAt(1'000, Answer(at).Take());
  feed_->WhenClaimsAt(1'000, Answer(claims).Take());
  feed_->WhenApplied(1'000, Answer(applied).Take());
  clock_.Advance(defaults.wait_max - absl::Nanoseconds(1));
  ASSERT_TRUE(clock_.AdvanceAndWaitUntilSeen(absl::ZeroDuration()));
  EXPECT_FALSE(at.ready());
  EXPECT_FALSE(claims.ready());
  clock_.Advance(absl::Nanoseconds(1));
  const absl::Status late = at.Wait();
  EXPECT_EQ(late.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(late), Reason::kCatalogLoading);
  EXPECT_THAT(std::string(late.message()), HasSubstr("revision 1000"));
  EXPECT_EQ(ReasonOf(claims.Wait()), Reason::kCatalogLoading);
  EXPECT_FALSE(applied.ready());
  clock_.Advance(defaults.apply_wait_max - defaults.wait_max);
  EXPECT_EQ(ReasonOf(applied.Wait()), Reason::kCatalogLoading);
}

TEST_F(CatalogFeedTest, WaitingEndsDuringAReadingToo) {
  BeginAndLoad();
  gate_.Close();
  const Revision bound = Put("/.scoutlight/bindings/c/t", "none");
  ASSERT_TRUE(AwaitCondition([&] { return gate_.holds(); }));
  const Answer at;
  const Answer claims;
  feed_->WhenAt(bound + 1, Answer(at).Take());
  feed_->WhenClaimsAt(bound, Answer(claims).Take());
  Put("/own/key", "x");
  EXPECT_TRUE(at.Wait().ok());
  EXPECT_FALSE(claims.ready());
  clock_.Advance(CatalogFeedOptions().wait_max);
  EXPECT_EQ(ReasonOf(claims.Wait()), Reason::kCatalogLoading);
}

TEST_F(CatalogFeedTest, WaitersAreBoundedAndEndWithTheFeed) {
  BeginAndLoad();
  std::atomic<int> ended = 0;
  for (int i = 0; i < limits::kCatalogWaitersMax; ++i) {
    feed_->WhenAt(1'000'000, [&ended](const absl::Status& status) { ended += absl::IsUnavailable(status) ? 1 : 0; });
  }
  const absl::Status refused = At(1'000'000);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), Reason::kOverloaded);
  EXPECT_TRUE(At(1).ok());
  EXPECT_EQ(ended, 0);
  feed_->Stop();
  EXPECT_EQ(ended, limits::kCatalogWaitersMax);
  EXPECT_EQ(At(1'000'000).code(), absl::StatusCode::kUnavailable);
}

TEST(CatalogFeedRestart, RocksdbStoreIsServedAsItWas) {
  storage::FakeClock clock;
  storage::TemporaryFolder folder;
  Instances before;
  for (int life = 0; life < 3; ++life) {
    const std::unique_ptr<storage::Store> store = storage::OpenRocksdbStore(folder.path(), clock);
    ASSERT_NE(store, nullptr);
    const storage::SyncStore sync(store.get());
    CatalogFeedOptions options;
    options.clock = &clock;
    const auto feed = std::make_shared<CatalogFeed>(store.get(), options, [](const std::vector<discovery::ServiceName>&) {});
    feed->Start();
    store->Follow(sync.Latest(), feed);
    ASSERT_TRUE(AwaitCondition([&] { return feed->catalog() != nullptr; }));
    EXPECT_EQ(Listed(feed->catalog().get()), before) << "life " << life;
    sync.Put(K("/.scoutlight/bindings/c/t"), life % 2 == 0 ? "service" : "printers");
    sync.Put(K(absl::StrCat("/c/services/s/i", life, "/port")), "80");
    sync.Put(K(absl::StrCat("/c/service/t/i", life, "/port")), "80");
    sync.Put(K(absl::StrCat("/c/services/t/i", life, "/port")), "80");
    const Revision last = sync.Put(K("/.scoutlight/instances/c/s/i0"), R"({"status": "DRAINING"})").revision;
    const Answer in_force;
    feed->WhenClaimsAt(last, Answer(in_force).Take());
    EXPECT_TRUE(in_force.Wait().ok());
    before = Listed(feed->catalog().get());
    EXPECT_EQ(before.size(), 2u * (life + 1)) << "life " << life;
    feed->Stop();
  }
}

// Writers that check what they wrote, others that change what the catalog is made by; in the end it is a scan of the store.
TEST_F(CatalogFeedTest, IsEqualToAScanAfterConcurrentWritesAndRebindings) {
  const char* const seed_text = std::getenv("SCOUTLIGHT_SEED");
  const uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : std::random_device()();
  std::cout << "SCOUTLIGHT_SEED=" << seed << std::endl;
  const int writes = std::getenv("SCOUTLIGHT_TORTURE") != nullptr ? 50'000 : 1'500;
  BeginAndLoad();
  std::atomic<int> unseen = 0;
  const auto write = [&](int writer) {
    std::mt19937_64 random(seed + static_cast<uint64_t>(writer));
    const auto below = [&random](int bound) { return static_cast<int>(random() % static_cast<uint64_t>(bound)); };
    const auto pick = [&](std::vector<std::string> from) { return from[static_cast<size_t>(below(static_cast<int>(from.size())))]; };
    for (int i = 0; i < writes; ++i) {
      // A service of its own, which nobody binds.
      const std::string own = absl::StrCat("w", writer);
      if (below(4) == 0) {
        sync_.Put(K(absl::StrCat("/own/services/", own, "/i/port")), absl::StrCat(i));
        const SnapshotPtr snapshot = feed_->catalog()->Find("own", own);
        const bool seen =
            snapshot != nullptr && snapshot->Find("i") != nullptr && snapshot->Find("i")->properties.at("port") == absl::StrCat(i);
        unseen += seen ? 0 : 1;
        continue;
      }
      const std::string name = absl::StrCat(pick({"a", "b"}), "/", pick({"services", "service", "mine"}), "/", pick({"s", "t"}), "/",
                                            pick({"i", "j", "members"}));
      const Key key = K(absl::StrCat("/", name, pick({"", "/port", "/health", "/i"})));
      if (below(3) == 0) {
        sync_.Delete(key, pick({"", "subtree"}).empty() ? Scope::kKey : Scope::kSubtree);
      } else {
        sync_.Put(key, pick({"80", "", "critical", R"({"port": "80"})", "x"}));
      }
    }
  };
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 3; ++writer) writers.emplace_back(write, writer);
  std::atomic<bool> written = false;
  std::thread binder([&] {
    std::mt19937_64 random(seed + 99);
    while (!written) {
      const Key key = discovery::BindingKey(random() % 2 == 0 ? "a" : "b", random() % 2 == 0 ? "s" : "*");
      static constexpr const char* kSchemas[] = {"printers", "service", "members", "mine", "none"};
      const Revision bound = random() % 4 == 0 ? sync_.Delete(key).revision : sync_.Put(key, kSchemas[random() % 5]).revision;
      if (random() % 5 == 0) {
        sync_.Put(discovery::SchemaKey("mine"), R"({"name": "mine", "pattern": "/{cluster}/mine/{service}/{instance}[/{property}]"})");
      }
      EXPECT_TRUE(ClaimsAt(bound).ok());
    }
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

}  // namespace
}  // namespace scoutlight::server

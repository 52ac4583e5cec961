#include "server/discovery/catalog_feed.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/system_records.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/catalog_feed_fixture.h"

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

TEST_F(CatalogFeedTest, CommitsDoNotEndThePauseAfterAFailedReading) {
  retry_after_ = absl::Seconds(2);
  BeginAndLoad();
  const auto failures = [this] {
    int failures = 0;
    for (const std::string& warning : warnings()) failures += absl::StrContains(warning, "could not be read, which is tried again") ? 1 : 0;
    return failures;
  };
  gate_.FailReads(1'000'000);
  const Revision bound = Put("/.scoutlight/bindings/c/t", "none");
  for (int failed = 1; failed <= 3; ++failed) {
    ASSERT_TRUE(AwaitCondition([&] { return failures() == failed; })) << failures();
    for (int i = 0; i < 100; ++i) {
      Put("/c/services/s/i/port", absl::StrCat(i));
      EXPECT_EQ(Shown("s", "i", "port"), absl::StrCat(i)) << "the old catalog is kept true meanwhile";
    }
    ASSERT_TRUE(clock_.AdvanceAndWaitUntilSeen(absl::ZeroDuration()));
    ASSERT_EQ(failures(), failed) << "time stands still";
    if (failed == 3) gate_.FailReads(0);
    ASSERT_TRUE(AwaitCondition([&] {
      clock_.Advance(retry_after_ / 4);
      return failures() > failed || feed_->claims().revision >= bound;
    }));
  }
  EXPECT_EQ(failures(), 3);
  EXPECT_GE(feed_->claims().revision, bound);
}

TEST_F(CatalogFeedTest, StopEndsThePauseAfterAFailedReading) {
  retry_after_ = absl::Hours(1);
  gate_.FailReads(1);
  Begin();
  ASSERT_TRUE(AwaitCondition([&] { return !warnings().empty(); }));
  EXPECT_EQ(feed_->catalog(), nullptr);
  feed_->Stop();
}

// What the health of discovery says.
TEST_F(CatalogFeedTest, ThereIsACatalogFromTheFirstReadingOnThatSucceedsForGood) {
  retry_after_ = absl::Seconds(2);
  gate_.FailReads(1);
  Begin();
  ASSERT_TRUE(AwaitCondition([&] { return !warnings().empty(); }));
  Put("/c/services/s/i/port", "80");
  EXPECT_EQ(feed_->catalog(), nullptr);
  gate_.Close();
  ASSERT_TRUE(AwaitCondition([&] {
    clock_.Advance(retry_after_);
    return gate_.holds();
  }));
  EXPECT_EQ(feed_->catalog(), nullptr);
  gate_.Open();
  ASSERT_TRUE(AwaitCondition([&] { return feed_->catalog() != nullptr; }));
  EXPECT_EQ(Shown("s", "i", "port"), "80");
  gate_.FailReads(1);
  Put("/.scoutlight/bindings/c/t", "none");
  ASSERT_TRUE(AwaitCondition([&] { return warnings().size() == 2; }));
  EXPECT_EQ(Shown("s", "i", "port"), "80");
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

// Instances on one lease that ends; whoever keeps the rest has no lease.
class CatalogFeedLossTest : public CatalogFeedTest {
 protected:
  void HoldMany(size_t count) {
    store_->BeginServing();
    const LeaseId lease = sync_.Grant(absl::Seconds(5)).lease.id;
    for (size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(sync_.Put(K(absl::StrCat("/c/services/s/i", i, "/port")), "80", lease).status.ok());
    }
    // A leap would look like a stopped process, whose leases live on.
    ASSERT_TRUE(AwaitCondition([&] {
      clock_.Advance(absl::Milliseconds(200));
      sync_.ListLeases();
      return Held() == count;
    }));
  }
  size_t Held() const {
    const discovery::SnapshotPtr snapshot = feed_->catalog()->Find("c", "s");
    return snapshot == nullptr ? 0 : snapshot->held();
  }
  size_t ToldOf(const std::string& service) const {
    size_t told = 0;
    for (const discovery::ServiceName& name : changed()) told += name.service == service ? 1 : 0;
    return told;
  }
};

TEST_F(CatalogFeedLossTest, WhatIsHeldEndsByTimeAndIsTold) {
  BeginAndLoad();
  HoldMany(4);
  const size_t told = ToldOf("s");
  clock_.Advance(limits::kLossHeldMax);
  ASSERT_TRUE(AwaitCondition([&] { return Held() == 0; }));
  EXPECT_TRUE(AwaitCondition([&] { return ToldOf("s") > told; }));
  EXPECT_EQ(feed_->catalog()->Find("c", "s"), nullptr);
}

TEST_F(CatalogFeedLossTest, ANewCatalogHoldsWhatTheOldOneDid) {
  BeginAndLoad();
  HoldMany(4);
  const int loads_before = loads();
  Put("/.scoutlight/bindings/c/another", "members");
  ASSERT_TRUE(AwaitCondition([&] { return loads() > loads_before; }));
  EXPECT_EQ(Held(), 4u);
  EXPECT_EQ(feed_->ConfirmLoss({"c", "s"}, {"i0"}), 1);
  EXPECT_EQ(Held(), 3u);
  clock_.Advance(limits::kLossHeldMax);
  EXPECT_TRUE(AwaitCondition([&] { return Held() == 0; }));
}

TEST_F(CatalogFeedLossTest, SoftValuesAreToldOnceASecond) {
  Put("/c/services/s/i/port", "80");
  BeginAndLoad();
  EXPECT_FALSE(feed_->SetSoftValues({"c", "s", "other"}, {}, {.load = 0.5, .reliability = {}, .counters = {}}));
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(feed_->SetSoftValues({"c", "s", "i"}, {}, {.load = i * 0.01, .reliability = {}, .counters = {}}));
  EXPECT_EQ(feed_->catalog()->FindInstance({"c", "s", "i"})->soft.load, 0.99);
  EXPECT_EQ(ToldOf("s"), 0u);
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(AwaitCondition([&] { return ToldOf("s") == 1; }));
  clock_.Advance(absl::Seconds(5));
  ASSERT_TRUE(feed_->SetSoftValues({"c", "s", "i"}, {}, {.load = 0.1, .reliability = {}, .counters = {}}));
  EXPECT_EQ(ToldOf("s"), 1u);
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(AwaitCondition([&] { return ToldOf("s") == 2; }));
}

}  // namespace
}  // namespace scoutlight::server

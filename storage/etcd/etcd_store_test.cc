#include "storage/etcd/etcd_store.h"

#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/etcd/etcd_process.h"
#include "storage/testing/await.h"
#include "storage/testing/conformance.h"
#include "storage/testing/recording_sink.h"

namespace scoutlight::storage {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Comparison = Condition::Comparison;

// One etcd for all cases that leave it running: they keep to subtrees or prefixes of their own.
EtcdProcess* SharedEtcd() {
  static const std::unique_ptr<EtcdProcess> etcd = EtcdProcess::Start();
  return etcd.get();
}

EtcdStoreOptions OptionsFor(const EtcdProcess& etcd) {
  EtcdStoreOptions options;
  options.endpoints = {etcd.target()};
  options.random = [device = std::make_shared<std::random_device>()] { return (uint64_t{(*device)()} << 32) | (*device)(); };
  return options;
}

std::unique_ptr<Store> OpenStore(const EtcdStoreOptions& options) {
  absl::StatusOr<std::unique_ptr<Store>> store = OpenEtcdStore(options);
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

std::unique_ptr<Store> OpenConformanceStore(Clock&) { return SharedEtcd() == nullptr ? nullptr : OpenStore(OptionsFor(*SharedEtcd())); }

INSTANTIATE_TEST_SUITE_P(Etcd, StoreConformance, ::testing::Values(StoreUnderTest{"Etcd", OpenConformanceStore, /*obeys_clock=*/false}),
                         StoreName);

// A store of its own over the shared etcd.
class EtcdStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(SharedEtcd(), nullptr);
    static int tests = 0;
    prefix_ = absl::StrCat("test", ++tests, "/");
    store_ = Open();
    ASSERT_NE(store_, nullptr);
    sync_ = std::make_unique<SyncStore>(store_.get());
  }

  std::unique_ptr<Store> Open() const {
    EtcdStoreOptions options = OptionsFor(*SharedEtcd());
    options.prefix = prefix_;
    return OpenStore(options);
  }

  bool Holds(std::vector<Condition> conditions) const {
    Transaction transaction;
    transaction.conditions = std::move(conditions);
    const CommitResult result = sync_->Commit(std::move(transaction));
    EXPECT_TRUE(result.status.ok()) << result.status;
    return result.succeeded;
  }

  std::string prefix_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SyncStore> sync_;
};

TEST_F(EtcdStoreTest, AFailedValueConditionTakesTheOtherBranchWhole) {
  sync_->Put(K("/a"), "1");
  sync_->Put(K("/b"), "2");
  for (const char* failing : {"/a", "/b"}) {
    Transaction transaction;
    for (const char* path : {"/a", "/b"}) {
      const std::optional<Entry> entry = sync_->Get(K(path));
      const bool fails = std::string(path) == failing;
      transaction.conditions.push_back(ValueIs(K(path), Comparison::kEqual, fails ? Text("other") : entry->value));
    }
    transaction.on_success = {PutOf(K("/success"), "x")};
    PutOperation put = PutOf(K("/failure"), failing);
    put.expected_mod_revision = sync_->Get(K("/failure")).value_or(Entry{}).mod_revision;
    transaction.on_failure = {put, GetOperation{K("/failure")}};
    const CommitResult result = sync_->Commit(transaction);
    ASSERT_TRUE(result.status.ok()) << result.status;
    EXPECT_FALSE(result.succeeded);
    ASSERT_EQ(result.results.size(), 2u);
    EXPECT_EQ(result.results[1].entries[0].value, Text(failing));
    EXPECT_EQ(result.results[1].entries[0].mod_revision, result.revision);
  }
  EXPECT_EQ(sync_->Get(K("/success")), std::nullopt);
}

TEST_F(EtcdStoreTest, WhatDoesNotFitIntoATransactionOfEtcdIsRefusedAndChangesNothing) {
  sync_->Put(K("/a/b"), "v");
  const int operations_max = store_->traits().operations_max;
  Transaction wide;  // Each fits, but what they depend on does not.
  for (int i = 0; i < operations_max; ++i) {
    wide.conditions.push_back(ExistsIs(K(absl::StrCat("/none/", i)), false));
    wide.on_success.push_back(PutOf(K(absl::StrCat("/x/", i)), "v"));
  }
  const std::string large(1'000'000, 'v');
  const struct {
    Transaction transaction;
    const char* names;
  } cases[] = {
      {wide, "at most 128 are allowed"},
      {TransactionOf({PutOf(K("/x"), large), PutOf(K("/y"), large)}), "bytes, at most 1572352 are allowed"},
  };
  const Revision before = sync_->Latest();
  for (const auto& c : cases) {
    const CommitResult result = sync_->Commit(c.transaction);
    EXPECT_EQ(result.status.code(), absl::StatusCode::kInvalidArgument) << result.status;
    EXPECT_EQ(ReasonOf(result.status), Reason::kTransactionTooLarge) << result.status;
    EXPECT_TRUE(absl::StrContains(std::string(result.status.message()), c.names)) << result.status;
    EXPECT_FALSE(result.changed);
  }
  EXPECT_EQ(sync_->Latest(), before);
}

TEST_F(EtcdStoreTest, AsManyConditionalPutsAsEtcdTakesGoInOneTransaction) {
  Transaction transaction;
  for (int i = 0; i < store_->traits().operations_max; ++i) {
    PutOperation put = PutOf(K(absl::StrCat("/k", i)), "v");
    put.if_absent = true;
    transaction.on_success.push_back(std::move(put));
  }
  EXPECT_TRUE(sync_->Commit(transaction).status.ok());
  EXPECT_EQ(sync_->Commit(transaction).status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(sync_->List(K("/"), Scope::kChildren).size(), transaction.on_success.size());
}

TEST_F(EtcdStoreTest, AListOfChildrenInATransactionIsCutWhereTheAnswerEnds) {
  const std::string large(1'000'000, 'v');
  constexpr int kChildren = 10;
  for (int i = 0; i < kChildren; ++i) {
    ASSERT_TRUE(sync_->Put(K(absl::StrCat("/a/", i)), large).status.ok());
    ASSERT_TRUE(sync_->Put(K(absl::StrCat("/a/", i, "/below")), "small").status.ok());
  }
  ListOperation list = ListOf(K("/a"), Scope::kChildren);
  list.entries_max = kChildren;
  const CommitResult result = sync_->Commit(TransactionOf({list, PutOf(K("/b"), "v")}));
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_TRUE(result.results[0].more);
  ASSERT_EQ(result.results[0].entries.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(result.results[0].entries[i].key, K(absl::StrCat("/a/", i)));
    EXPECT_EQ(result.results[0].entries[i].value, Text(large));
    EXPECT_TRUE(result.results[0].entries[i].has_children);
  }
  store_.reset();
}

TEST_F(EtcdStoreTest, AnExpiredLeaseTakesItsKeysAtOneRevision) {
  const LeaseId id = sync_->Grant(store_->traits().ttl_min).lease.id;
  const Revision put = sync_->Commit(TransactionOf({PutOf(K("/a"), "v", id), PutOf(K("/b"), "v", id)})).revision;
  const auto sink = std::make_shared<RecordingSink>(put, *store_);
  store_->Follow(put, sink);
  ASSERT_TRUE(AwaitCondition([&] { return !sink->batches().empty(); })) << "fences are revisions too, but no batches";
  ASSERT_EQ(sink->batches().size(), 1u);
  ASSERT_EQ(sink->batches()[0]->events.size(), 2u);
  for (const Event& event : sink->batches()[0]->events) EXPECT_EQ(event.cause, EventCause::kLeaseExpired);
  EXPECT_EQ(sync_->GetLease(id).status.code(), absl::StatusCode::kNotFound);
  store_.reset();
}

TEST_F(EtcdStoreTest, TheEndOfALargeLeaseIsShownWithWhatWasThere) {
  constexpr int kTransactions = 40;
  const LeaseId lease = sync_->Grant(absl::Minutes(1)).lease.id;
  const int puts = store_->traits().operations_max;
  Revision put = 0;
  for (int i = 0; i < kTransactions; ++i) {
    std::vector<Operation> operations;
    for (int j = 0; j < puts; ++j) {
      // Half of them stay, some alone among those that go, some many in a row.
      const bool goes = i % 2 == 0 || j % 5 == 0;
      operations.push_back(PutOf(K(absl::StrCat("/large/", i, "/", j).c_str()), absl::StrCat(i, ".", j), goes ? lease : 0));
    }
    const CommitResult made = sync_->Commit(TransactionOf(std::move(operations)));
    ASSERT_TRUE(made.status.ok()) << made.status;
    put = made.revision;
  }
  const auto sink = std::make_shared<RecordingSink>(put, *store_);
  store_->Follow(put, sink);
  const CommitResult revoked = sync_->Revoke(lease);
  ASSERT_TRUE(revoked.status.ok()) << revoked.status;
  ASSERT_TRUE(sink->WaitFor(revoked.revision));
  ASSERT_EQ(sink->batches().size(), 1u);
  const std::vector<Event>& events = sink->batches()[0]->events;
  EXPECT_EQ(events.size(), static_cast<size_t>(kTransactions / 2 * (puts + (puts + 4) / 5)));
  int wrong = 0;
  for (const Event& event : events) {
    const bool is_right = event.previous_known && event.previous.has_value() && event.previous->key == event.key &&
                          event.previous->lease_id == lease && event.cause == EventCause::kLeaseRevoked;
    if (!is_right) ++wrong;
  }
  EXPECT_EQ(wrong, 0);
  store_.reset();
}

TEST_F(EtcdStoreTest, ServersOverOneEtcdShareTheHistoryAndPrefixesDoNot) {
  const std::unique_ptr<Store> other = Open();
  const SyncStore other_sync(other.get());
  EXPECT_EQ(other->store_id(), store_->store_id());
  const Revision start = sync_->Latest();
  const auto sink = std::make_shared<RecordingSink>(start, *store_);
  store_->Follow(start, sink);
  const Revision revision = other_sync.Put(K("/a"), "theirs").revision;
  ASSERT_TRUE(sink->WaitFor(revision));
  EXPECT_EQ(sync_->Get(K("/a"))->value, Text("theirs"));

  EtcdStoreOptions options = OptionsFor(*SharedEtcd());
  options.prefix = "elsewhere/";
  const std::unique_ptr<Store> stranger = OpenStore(options);
  EXPECT_NE(stranger->store_id(), store_->store_id());
  EXPECT_THAT(SyncStore(stranger.get()).List(K("/"), Scope::kSubtree), IsEmpty());
  store_.reset();
}

TEST_F(EtcdStoreTest, WhatAServerWritesItselfItShowsAsOthersSeeIt) {
  const std::unique_ptr<Store> other = Open();
  const Revision start = sync_->Latest();
  const auto own = std::make_shared<RecordingSink>(start, *store_);
  const auto others = std::make_shared<RecordingSink>(start, *store_);
  store_->Follow(start, own);
  other->Follow(start, others);
  ASSERT_TRUE(own->WaitUntilFresh());
  const LeaseId lease = sync_->Grant(absl::Minutes(1)).lease.id;
  PutOperation absent = PutOf(K("/m"), "new", lease);
  absent.if_absent = true;
  Transaction remembered = TransactionOf({PutOf(K("/n"), "by request")});
  remembered.origin = {.caller = "caller", .request_id = "id", .request_hash = 1};
  Transaction conditional = TransactionOf({PutOf(K("/z"), "conditional")});
  conditional.conditions = {ExistsIs(K("/m"), true)};
  const Transaction transactions[] = {
      TransactionOf({PutOf(K("/z"), "1"), PutOf(K("/a"), "1"), PutOf(K("/a/b"), "1")}),
      TransactionOf({PutOf(K("/z"), "2"), absent, DeleteOf(K("/a")), DeleteOf(K("/none"))}),
      remembered,
      conditional,
      TransactionOf({DeleteOf(K("/m"))}),
      TransactionOf({ListOf(K("/"), Scope::kSubtree), PutOf(K("/z"), "3"), PutOf(K("/y"), "1")}),
      TransactionOf({DeleteOf(K("/"), Scope::kSubtree)}),
  };
  for (const Transaction& transaction : transactions) {
    const CommitResult result = sync_->Commit(transaction);
    ASSERT_TRUE(result.status.ok()) << result.status;
    EXPECT_TRUE(result.changed);
    EXPECT_GE(own->reached(), result.revision) << "shown before it was answered";
    ASSERT_TRUE(others->WaitFor(result.revision));
  }
  const std::vector<std::shared_ptr<const Batch>> shown = own->batches();
  const std::vector<std::shared_ptr<const Batch>> seen = others->batches();
  ASSERT_EQ(shown.size(), std::size(transactions));
  ASSERT_EQ(seen.size(), shown.size());
  for (size_t i = 0; i < shown.size(); ++i) EXPECT_EQ(*shown[i], *seen[i]) << i;
  store_.reset();
}

TEST_F(EtcdStoreTest, AReopenedStoreKeepsItsIdAndKnowsTheOldestRevision) {
  const StoreId id = store_->store_id();
  sync_->Put(K("/a"), "1");
  const Revision oldest = sync_->Put(K("/a"), "2").revision;
  sync_->Put(K("/a"), "3");
  ASSERT_TRUE(sync_->Compact(oldest).status.ok());
  store_.reset();
  store_ = Open();
  EXPECT_EQ(store_->store_id(), id);
  EXPECT_EQ(SyncStore(store_.get()).Read(QueryOf(K("/a"), Scope::kKey)).oldest_revision, oldest);
}

// Each with an etcd of its own, to be mistreated.
TEST(EtcdStoreFaults, AWriteThatEtcdDoesNotAnswerIsLeftOpen) {
  const std::unique_ptr<EtcdProcess> etcd = EtcdProcess::Start();
  ASSERT_NE(etcd, nullptr);
  EtcdStoreOptions options = OptionsFor(*etcd);
  options.call_timeout = absl::Milliseconds(500);
  const std::unique_ptr<Store> store = OpenStore(options);
  ASSERT_NE(store, nullptr);
  const SyncStore sync(store.get());
  ASSERT_TRUE(sync.Put(K("/a"), "1").status.ok());
  etcd->Pause();
  const CommitResult open = sync.Put(K("/a"), "2");
  EXPECT_EQ(open.status.code(), absl::StatusCode::kUnknown) << open.status;
  EXPECT_EQ(ReasonOf(open.status), Reason::kOutcomeUnknown);
  const Page page = sync.Read(QueryOf(K("/a"), Scope::kKey));
  EXPECT_EQ(page.status.code(), absl::StatusCode::kUnavailable) << page.status;
  EXPECT_EQ(ReasonOf(page.status), Reason::kBackendUnavailable);
  EXPECT_TRUE(AwaitCondition([&] { return store->health().state == StoreHealth::State::kUnavailable; }));
  EXPECT_TRUE(absl::StrContains(store->health().problem, "etcd has not answered for ")) << store->health().problem;
  etcd->Resume();
  // The open write may still be carried out, before this one or after it: so this one goes elsewhere.
  EXPECT_TRUE(AwaitCondition([&] { return sync.Put(K("/b"), "3").status.ok(); }));
  EXPECT_EQ(sync.Get(K("/b"))->value, Text("3"));
  EXPECT_THAT(sync.Get(K("/a"))->value, AnyOf(Text("1"), Text("2")));
  EXPECT_TRUE(AwaitCondition([&] { return store->health().state == StoreHealth::State::kServing; }));
}

TEST(EtcdStoreFaults, FollowGoesOnWhereItWasWhenEtcdIsBack) {
  const std::unique_ptr<EtcdProcess> etcd = EtcdProcess::Start();
  ASSERT_NE(etcd, nullptr);
  std::unique_ptr<Store> store = OpenStore(OptionsFor(*etcd));
  ASSERT_NE(store, nullptr);
  const SyncStore sync(store.get());
  const Revision start = sync.Latest();
  const auto sink = std::make_shared<RecordingSink>(start, *store);
  store->Follow(start, sink);
  const Revision first = sync.Put(K("/a"), "1").revision;
  EXPECT_GE(sink->reached(), first) << "shown before it was answered";
  etcd->Kill();
  ASSERT_TRUE(sink->WaitUntilStale());
  EXPECT_TRUE(AwaitCondition([&] { return absl::IsUnavailable(sync.Put(K("/never"), "sent").status); }))
      << "with no connection nothing is sent, and so nothing is left open";
  ASSERT_TRUE(etcd->Restart());
  ASSERT_TRUE(sink->WaitUntilFresh());
  CommitResult second;
  ASSERT_TRUE(AwaitCondition([&] { return (second = sync.Put(K("/a"), "2")).status.ok(); }));
  EXPECT_GE(sink->reached(), second.revision) << "shown before it was answered";
  std::vector<std::string> values;
  for (const auto& batch : sink->batches()) values.push_back(batch->events[0].entry.value.bytes);
  EXPECT_EQ(values.front(), "1");
  EXPECT_EQ(values.back(), "2");
  EXPECT_THAT(sink->gaps(), IsEmpty());
  store.reset();
}

TEST(EtcdStoreFaults, OpeningWithoutAnEtcdEndsWithUnavailable) {
  std::unique_ptr<EtcdProcess> etcd = EtcdProcess::Start();
  ASSERT_NE(etcd, nullptr);
  EtcdStoreOptions options = OptionsFor(*etcd);
  options.open_timeout = absl::Milliseconds(300);
  etcd->Kill();
  const absl::StatusOr<std::unique_ptr<Store>> store = OpenEtcdStore(options);
  EXPECT_EQ(store.status().code(), absl::StatusCode::kUnavailable) << store.status();
  EXPECT_EQ(ReasonOf(store.status()), Reason::kBackendUnavailable);
}

}  // namespace
}  // namespace scoutlight::storage

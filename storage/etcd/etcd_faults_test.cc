// An etcd that is full, compacted by others, or no longer the one that was opened.

#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/etcd/etcd_opening.h"
#include "storage/etcd/etcd_process.h"
#include "storage/etcd/etcd_store.h"
#include "storage/testing/await.h"
#include "storage/testing/recording_sink.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class EtcdMisfortune : public ::testing::Test {
 protected:
  void Begin(std::vector<std::string> flags = {}) {
    etcd_ = EtcdProcess::Start(std::move(flags));
    ASSERT_NE(etcd_, nullptr);
    options_.endpoints = {etcd_->target()};
    options_.random = [device = std::make_shared<std::random_device>()] { return (uint64_t{(*device)()} << 32) | (*device)(); };
    absl::StatusOr<std::unique_ptr<Store>> store = OpenEtcdStore(options_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    sync_ = std::make_unique<SyncStore>(store_.get());
  }
  void TearDown() override { store_.reset(); }

  std::shared_ptr<RecordingSink> Follow() {
    const Revision after = sync_->Latest();
    auto sink = std::make_shared<RecordingSink>(after, *store_);
    store_->Follow(after, sink);
    return sink;
  }

  void Etcdctl(const std::string& arguments) const {
    const std::string command = absl::StrCat("ETCDCTL_API=3 etcdctl --endpoints=", etcd_->target(), " ", arguments, " >/dev/null 2>&1");
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }

  static Transaction RequestOf(std::vector<Operation> operations, const std::string& request_id) {
    Transaction transaction = TransactionOf(std::move(operations));
    transaction.origin.caller = "test";
    transaction.origin.request_id = request_id;
    return transaction;
  }

  std::unique_ptr<EtcdProcess> etcd_;
  EtcdStoreOptions options_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SyncStore> sync_;
};

TEST_F(EtcdMisfortune, WhereItIsFullPutsAreRefusedAndDeletesGoOn) {
  Begin({"--quota-backend-bytes=4000000"});
  const auto sink = Follow();
  const std::string value(300'000, 'x');
  ASSERT_TRUE(sync_->Put(K("/kept"), "v").status.ok());
  CommitResult put;
  for (int i = 0; i < 100 && (put = sync_->Put(K(absl::StrCat("/large/", i)), value)).status.ok();) ++i;
  // etcd may have made the first that it says this of.
  EXPECT_EQ(put.status.code(), absl::StatusCode::kUnknown) << put.status;
  EXPECT_EQ(ReasonOf(put.status), Reason::kOutcomeUnknown);
  const std::vector<Entry> there = sync_->List(K("/large"), Scope::kChildren);
  for (const bool has_id : {false, true}) {
    const CommitResult refused = sync_->Commit(RequestOf({PutOf(K("/more"), "v")}, has_id ? "more" : ""));
    EXPECT_EQ(refused.status.code(), absl::StatusCode::kResourceExhausted) << refused.status;
    EXPECT_EQ(ReasonOf(refused.status), Reason::kDiskFull);
  }
  EXPECT_EQ(store_->health().state, StoreHealth::State::kReadOnly);
  EXPECT_EQ(sync_->Get(K("/kept"))->value, Text("v")) << "reads go on";
  for (const Entry& entry : there) {
    const CommitResult erased = sync_->Delete(entry.key);
    ASSERT_TRUE(erased.status.ok()) << erased.status;
    EXPECT_EQ(erased.results[0].deleted, 1);
    EXPECT_GE(sink->reached(), erased.revision) << "shown before it was answered";
  }
  EXPECT_TRUE(sync_->List(K("/large"), Scope::kChildren).empty());

  // What an operator does.
  Etcdctl(absl::StrCat("compact ", sync_->Latest()));
  Etcdctl("defrag");
  Etcdctl("alarm disarm");
  EXPECT_TRUE(AwaitCondition([&] { return store_->health().state == StoreHealth::State::kServing; })) << store_->health().problem;
  EXPECT_TRUE(sync_->Commit(RequestOf({PutOf(K("/more"), "v")}, "more")).status.ok());
}

TEST_F(EtcdMisfortune, HistoryBeginsBehindTheRevisionThatItWasCompactedAt) {
  Begin();
  sync_->Put(K("/a"), "v");
  const Revision erased = sync_->Delete(K("/a")).revision;
  const Revision last = sync_->Put(K("/b"), "v").revision;
  Etcdctl(absl::StrCat("compact ", erased));
  const HistoryPage at = sync_->History(erased, last, {K("/"), Scope::kSubtree}, limits::kMiB);
  EXPECT_EQ(at.status.code(), absl::StatusCode::kOutOfRange) << "etcd shows no deletes of that revision";
  EXPECT_EQ(at.oldest_revision, erased);
  const HistoryPage behind = sync_->History(erased + 1, last, {K("/"), Scope::kSubtree}, limits::kMiB);
  ASSERT_TRUE(behind.status.ok()) << behind.status;
  EXPECT_THAT(behind.batches, SizeIs(1));
}

TEST_F(EtcdMisfortune, WhoFollowsFromBeforeACompactionIsToldOfTheGap) {
  Begin();
  const Revision after = sync_->Put(K("/a"), "v").revision;
  const Revision erased = sync_->Delete(K("/a")).revision;
  Etcdctl(absl::StrCat("compact ", erased));
  // The delete is the very revision that it was compacted at: etcd cancels no watch there, and shows nothing of it.
  const auto sink = std::make_shared<RecordingSink>(after, *store_);
  store_->Follow(after, sink);
  EXPECT_TRUE(AwaitCondition([&] { return !sink->gaps().empty(); }));
  EXPECT_GE(sink->gaps().front(), erased);
  const Revision put = sync_->Put(K("/b"), "v").revision;
  EXPECT_TRUE(sink->WaitFor(put));
}

TEST_F(EtcdMisfortune, AStoreThatIsWipedUnderItIsNoMore) {
  Begin();
  const auto sink = Follow();
  ASSERT_TRUE(sync_->Put(K("/a"), "v").status.ok());
  Etcdctl(absl::StrCat("del --prefix ", options_.prefix));
  EXPECT_TRUE(AwaitCondition([&] { return store_->health().state == StoreHealth::State::kUnavailable; }));
  EXPECT_THAT(store_->health().problem, HasSubstr("start the server anew"));
  for (const absl::Status& status : {sync_->Put(K("/a"), "w").status, sync_->Read(QueryOf(K("/a"), Scope::kKey)).status,
                                     sync_->Grant(absl::Seconds(10)).status, sync_->Renew({1})[0].status}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(store_->store_id()));
  }
}

TEST_F(EtcdMisfortune, AStoreThatIsRestoredUnderItAndWrittenToIsNoMore) {
  Begin();
  const auto sink = Follow();
  ASSERT_TRUE(sync_->Put(K("/a"), "kept").status.ok());
  const std::string snapshot = ::testing::TempDir() + "/snapshot";
  ASSERT_TRUE(etcd_->SaveTo(snapshot));
  const Revision lost = sync_->Put(K("/a"), "lost").revision;
  ASSERT_TRUE(sink->WaitFor(lost));
  ASSERT_TRUE(etcd_->RestoreFrom(snapshot, [&](const std::string& target) {
    EtcdStoreOptions options = options_;
    options.endpoints = {target};
    const absl::StatusOr<std::unique_ptr<Store>> other = OpenEtcdStore(options);
    ASSERT_TRUE(other.ok()) << other.status();
    EXPECT_EQ((*other)->store_id(), store_->store_id());
    Revision revision = 0;
    for (int i = 0; i < 100 && revision <= lost; ++i) revision = SyncStore(other->get()).Put(K("/a"), "another").revision;
    EXPECT_GT(revision, lost);
  }));
  // While it is away it is not there either.
  EXPECT_TRUE(AwaitCondition([&] { return absl::StrContains(store_->health().problem, "start the server anew"); }));
  EXPECT_THAT(store_->health().problem, HasSubstr("another history"));
  EXPECT_EQ(sink->batches().back()->events[0].entry.value, Text("lost"));
}

TEST_F(EtcdMisfortune, RequestsOnALeaseThatIsNotThereLeaveOneLeaseOfTheStores) {
  Begin();
  for (int i = 0; i < 20; ++i) {
    const CommitResult refused = sync_->Commit(RequestOf({PutOf(K("/a"), "v", /*lease_id=*/77)}, absl::StrCat(i)));
    EXPECT_EQ(ReasonOf(refused.status), Reason::kLeaseNotFound) << refused.status;
  }
  EtcdClient client(ClientOptionsOf(options_));
  Waiter<int> leases;
  client.LeaseLeases(
      {}, [&leases](const RpcOutcome&, const etcdserverpb::LeaseLeasesResponse& response) { leases.Take(response.leases_size()); });
  EXPECT_EQ(leases.Wait(), 1);
  EXPECT_TRUE(sync_->ListLeases().leases.empty()) << "nobody is shown it";
}

TEST_F(EtcdMisfortune, NoChildIsSeenAmongManyDescendants) {
  Begin();
  constexpr int kDescendants = 400;
  for (int i = 0; i < kDescendants; ++i) sync_->Put(K(absl::StrCat("/p/c", i % 200, "/d", i)), "v");
  Transaction transaction = TransactionOf({PutOf(K("/p/first"), "v")});
  transaction.conditions = {ExistsIs(K("/p"), /*exists=*/false, Scope::kChildren)};
  CommitResult result = sync_->Commit(transaction);
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_TRUE(result.succeeded) << "only entries of children count";
  result = sync_->Commit(transaction);
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_FALSE(result.succeeded);
}

}  // namespace
}  // namespace scoutlight::storage

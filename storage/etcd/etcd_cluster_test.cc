// The store over three real etcd members, some of which die, stop, and come back.

#include <atomic>
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
#include "storage/etcd/etcd_store.h"
#include "storage/testing/await.h"
#include "storage/testing/recording_sink.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

using ::testing::IsEmpty;

constexpr int kMembers = 3;

class EtcdCluster : public ::testing::Test {
 protected:
  void SetUp() override {
    members_ = EtcdProcess::StartCluster(kMembers);
    ASSERT_EQ(members_.size(), static_cast<size_t>(kMembers));
    store_ = Open();
    ASSERT_NE(store_, nullptr);
    sync_ = std::make_unique<SyncStore>(store_.get());
  }

  std::unique_ptr<Store> Open() const {
    EtcdStoreOptions options;
    for (const auto& member : members_) options.endpoints.push_back(member->target());
    options.random = [device = std::make_shared<std::random_device>()] { return (uint64_t{(*device)()} << 32) | (*device)(); };
    options.call_timeout = absl::Seconds(3);
    absl::StatusOr<std::unique_ptr<Store>> store = OpenEtcdStore(options);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  int LeaderOf() const {
    for (int i = 0; i < kMembers; ++i) {
      if (members_[i]->IsLeader()) return i;
    }
    ADD_FAILURE() << "nobody leads";
    return 0;
  }
  // The member that the store speaks with.
  int InUse() const {
    for (int i = 0; i < kMembers; ++i) {
      if (members_[i]->target() == store_->backend().member) return i;
    }
    ADD_FAILURE() << store_->backend().member;
    return 0;
  }

  // Puts `value` with a request id until it is there: whatever happens meanwhile, it is put once.
  CommitResult PutOnce(const std::string& path, const std::string& value) {
    Transaction put = TransactionOf({PutOf(K(path), value)});
    put.origin.caller = "test";
    put.origin.request_id = absl::StrCat(path, "=", value);
    CommitResult result;
    int tries = 0;
    EXPECT_TRUE(AwaitCondition([&] {
      ++tries;
      return (result = sync_->Commit(put)).status.ok();
    })) << result.status;
    // Whatever the store itself had to repeat.
    EXPECT_FALSE(tries == 1 && result.replayed);
    return result;
  }

  // What the sink was shown, put together, is the state, and each put of PutOnce happened once.
  void ExpectWhole(const RecordingSink& sink) {
    ASSERT_TRUE(AwaitCondition([&] {
      store_->ShowUpTo(sync_->Latest());
      return sink.reached() >= sync_->Latest();
    }));
    EXPECT_THAT(sink.gaps(), IsEmpty());
    std::vector<std::string> shown;
    for (const auto& batch : sink.batches()) shown.push_back(batch->events[0].entry.value.bytes);
    ASSERT_EQ(shown.size(), static_cast<size_t>(puts_));
    for (int i = 0; i < puts_; ++i) EXPECT_EQ(shown[i], absl::StrCat(i));
  }

  void PutNext() {
    PutOnce("/a", absl::StrCat(puts_));
    ++puts_;
  }

  std::vector<std::unique_ptr<EtcdProcess>> members_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SyncStore> sync_;
  int puts_ = 0;
};

TEST_F(EtcdCluster, AMemberThatDiesIsLeftAndNothingIsLostOrRepeated) {
  const auto sink = std::make_shared<RecordingSink>(sync_->Latest(), *store_);
  store_->Follow(sink->reached(), sink);
  for (int i = 0; i < 5; ++i) PutNext();
  const int dead = InUse();
  members_[dead]->Kill();
  for (int i = 0; i < 5; ++i) PutNext();
  EXPECT_NE(InUse(), dead);
  ASSERT_TRUE(members_[dead]->Restart());
  for (int i = 0; i < 5; ++i) PutNext();
  ExpectWhole(*sink);
  store_.reset();
}

TEST_F(EtcdCluster, AMemberThatStopsIsLeftToo) {
  const auto sink = std::make_shared<RecordingSink>(sync_->Latest(), *store_);
  store_->Follow(sink->reached(), sink);
  for (int i = 0; i < 5; ++i) PutNext();
  const int stopped = InUse();
  members_[stopped]->Pause();
  for (int i = 0; i < 5; ++i) PutNext();
  EXPECT_NE(InUse(), stopped);
  members_[stopped]->Resume();
  for (int i = 0; i < 5; ++i) PutNext();
  ExpectWhole(*sink);
  store_.reset();
}

TEST_F(EtcdCluster, TheLeaderMayDieOrStop) {
  const auto sink = std::make_shared<RecordingSink>(sync_->Latest(), *store_);
  store_->Follow(sink->reached(), sink);
  const LeaseId lease = sync_->Grant(absl::Seconds(60)).lease.id;
  PutNext();
  const int dead = LeaderOf();
  members_[dead]->Kill();
  for (int i = 0; i < 5; ++i) PutNext();
  ASSERT_TRUE(members_[dead]->Restart());
  const int stopped = LeaderOf();
  members_[stopped]->Pause();
  for (int i = 0; i < 5; ++i) PutNext();
  members_[stopped]->Resume();
  PutNext();
  EXPECT_TRUE(AwaitCondition([&] { return sync_->Renew({lease})[0].status.ok(); })) << "a leader's end is no lease's";
  ExpectWhole(*sink);
  store_.reset();
}

TEST_F(EtcdCluster, WithoutAQuorumItSaysSoAndComesBack) {
  const auto sink = std::make_shared<RecordingSink>(sync_->Latest(), *store_);
  store_->Follow(sink->reached(), sink);
  PutNext();
  members_[0]->Kill();
  members_[1]->Pause();
  // No request id: what came of it can be asked of nobody.
  const CommitResult lost = sync_->Put(K("/b"), "x");
  EXPECT_TRUE(lost.status.code() == absl::StatusCode::kUnknown || lost.status.code() == absl::StatusCode::kUnavailable) << lost.status;
  EXPECT_TRUE(AwaitCondition([&] { return store_->health().state == StoreHealth::State::kUnavailable; }));
  EXPECT_FALSE(store_->health().problem.empty());
  EXPECT_EQ(sync_->Read(QueryOf(K("/a"), Scope::kKey)).status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(AwaitCondition([&] { return store_->behind() > absl::ZeroDuration(); }));
  members_[1]->Resume();
  ASSERT_TRUE(members_[0]->Restart());
  PutOnce("/c", "back");
  EXPECT_TRUE(AwaitCondition([&] { return store_->health().state == StoreHealth::State::kServing; }));
  EXPECT_TRUE(AwaitCondition([&] { return store_->behind() == absl::ZeroDuration(); }));
  EXPECT_THAT(sink->gaps(), IsEmpty());
  EXPECT_EQ(sync_->Get(K("/a"))->value, Text("0"));
  store_.reset();
}

TEST_F(EtcdCluster, AnotherServersStoreGoesOnFromThisOnesRevision) {
  PutNext();
  const Revision token = sync_->Latest();
  PutNext();
  const std::unique_ptr<Store> other = Open();
  const auto sink = std::make_shared<RecordingSink>(token, *other);
  other->Follow(token, sink);
  PutNext();
  const Revision last = sync_->Latest();
  ASSERT_TRUE(AwaitCondition([&] {
    other->ShowUpTo(last);
    return sink->reached() >= last;
  }));
  ASSERT_EQ(sink->batches().size(), 2u);
  EXPECT_EQ(sink->batches()[0]->events[0].entry.value, Text("1"));
  EXPECT_EQ(sink->batches()[1]->events[0].entry.value, Text("2"));
}

}  // namespace
}  // namespace scoutlight::storage

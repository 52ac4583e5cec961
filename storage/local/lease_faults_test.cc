// What becomes of leases when the storage below them is slow, full or broken.

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "base/deferred.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/local/layout.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_engine.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/faulty_engine.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

constexpr absl::Duration kTtl = absl::Seconds(10);

class LeaseFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    auto engine = std::make_unique<FaultyEngine>(NewMemoryEngine("0123456789abcdef0123456789abcdef"));
    engine_ = engine.get();
    LocalStoreOptions options;
    options.clock = &clock_;
    options.random = std::mt19937_64(1);
    options.maintenance_interval = absl::Milliseconds(2);
    options.lease_tick = absl::Milliseconds(2);
    store_ = OpenLocalStore(std::move(engine), std::move(options)).value();
    store_->BeginServing();
    sync_ = std::make_unique<SyncStore>(store_.get());
    id_ = sync_->Grant(kTtl).lease.id;
    ASSERT_TRUE(sync_->Put(K("/a"), "v", id_).status.ok());
  }

  // Lets the server run for so long, in steps that lease time counts.
  void Serve(absl::Duration time) {
    const absl::Duration step = absl::Milliseconds(200);
    for (absl::Duration passed; passed < time; passed += step) {
      clock_.Advance(step);
      sync_->ListLeases();
    }
  }

  // Revokes the lease and returns while its end is being written.
  void BeginRevocation() {
    engine_->SetWrites(FaultyEngine::Writes::kWait);
    revoking_ = std::thread([this] { revoked_ = sync_->Revoke(id_); });
    ASSERT_TRUE(AwaitCondition([this] { return engine_->waiting() > 0; }));
  }

  FakeClock clock_;
  FaultyEngine* engine_ = nullptr;  // The store's.
  std::unique_ptr<Store> store_;
  std::unique_ptr<SyncStore> sync_;
  LeaseId id_ = 0;
  std::thread revoking_;
  CommitResult revoked_;  // Once the thread has ended.
};

TEST_F(LeaseFaults, AnEndThatIsBeingWrittenIsNotToldYet) {
  const LeaseId alive = sync_->Grant(kTtl).lease.id;
  const LeaseId unknown = id_ ^ alive;
  BeginRevocation();
  EXPECT_THAT(sync_->GetLease(id_).lease.keys, ::testing::ElementsAre(K("/a")));
  EXPECT_EQ(sync_->ListLeases().leases.size(), 2u);
  Pending<Renewals> renewed = Pending<Renewals>::Start([&](Done<Renewals> done) {
    store_->RenewLeases({id_, unknown, id_, alive}, 1, std::move(done));
  });
  EXPECT_FALSE(renewed.ready());
  engine_->SetWrites(FaultyEngine::Writes::kWork);
  revoking_.join();
  EXPECT_TRUE(revoked_.status.ok()) << revoked_.status;
  const Renewals renewals = renewed.Wait();
  ASSERT_EQ(renewals.results.size(), 4u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ReasonOf(renewals.results[i].status), Reason::kLeaseNotFound) << renewals.results[i].status;
  EXPECT_TRUE(renewals.results[3].status.ok()) << renewals.results[3].status;
  EXPECT_EQ(renewals.revision, revoked_.revision) << "before it the lease was there";
  EXPECT_EQ(sync_->GetLease(id_).status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(sync_->ListLeases().leases.size(), 1u);
}

TEST_F(LeaseFaults, AnEndThatIsNotWrittenLeavesTheLeaseWithItsTime) {
  Serve(absl::Seconds(2));
  BeginRevocation();
  Pending<Renewals> renewed = Pending<Renewals>::Start([&](Done<Renewals> done) { store_->RenewLeases({id_}, 1, std::move(done)); });
  engine_->SetWrites(FaultyEngine::Writes::kFail);
  revoking_.join();
  EXPECT_EQ(revoked_.status.code(), absl::StatusCode::kUnknown) << revoked_.status;
  const absl::Status status = renewed.Wait().results[0].status;
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  engine_->SetWrites(FaultyEngine::Writes::kWork);
  ASSERT_TRUE(AwaitCondition([&] { return store_->health().state == StoreHealth::State::kServing; }));
  const LeaseResult lease = sync_->GetLease(id_);
  ASSERT_TRUE(lease.status.ok()) << lease.status;
  EXPECT_EQ(lease.lease.remaining, kTtl - absl::Seconds(2));
  EXPECT_TRUE(sync_->Renew({id_})[0].status.ok());
  EXPECT_EQ(sync_->GetLease(id_).lease.remaining, kTtl);
}

TEST_F(LeaseFaults, ALeaseWaitsForItsEndUntilThereIsRoomForIt) {
  ASSERT_TRUE(sync_->Put(K("/large"), std::string(100'000, 'x'), id_).status.ok());
  const LeaseId without_keys = sync_->Grant(kTtl).lease.id;
  engine_->SetRoom(50'000);
  Serve(absl::Milliseconds(200));
  EXPECT_EQ(ReasonOf(sync_->Revoke(id_).status), Reason::kDiskFull);
  EXPECT_TRUE(sync_->Revoke(without_keys).status.ok());
  EXPECT_TRUE(sync_->Renew({id_})[0].status.ok()) << "it was not taken";
  Serve(kTtl + absl::Seconds(5));
  EXPECT_EQ(sync_->GetLease(id_).lease.keys.size(), 2u);
  engine_->SetRoom(200'000);
  Serve(absl::Milliseconds(200));
  ASSERT_TRUE(AwaitCondition([&] { return absl::IsNotFound(sync_->GetLease(id_).status); }));
  EXPECT_EQ(sync_->Get(K("/large")), std::nullopt);
}

TEST_F(LeaseFaults, ALeaseThatCannotEndBecauseOfDamageIsReported) {
  const std::unique_ptr<WriteSet> writes = engine_->NewWriteSet();
  writes->Put(Table::kLive, layout::EncodePath(K("/a")), "no entry");
  ASSERT_TRUE(engine_->Write(*writes, sync_->Latest()).ok());
  ASSERT_TRUE(sync_->Put(K("/b"), "v").status.ok()) << "from here on the store sees it";
  EXPECT_EQ(store_->health().state, StoreHealth::State::kServing);
  Serve(kTtl);
  ASSERT_TRUE(AwaitCondition([&] { return store_->health().state == StoreHealth::State::kUnavailable; }));
  EXPECT_THAT(store_->health().problem, ::testing::HasSubstr("damaged"));
  EXPECT_TRUE(sync_->GetLease(id_).status.ok());
}

TEST_F(LeaseFaults, AStoreThatIsBeingOpenedAgainKnowsItsRevision) {
  const Revision latest = sync_->Latest();
  engine_->SetReopens(absl::UnavailableError("a test keeps this closed"));
  engine_->SetWrites(FaultyEngine::Writes::kFail);
  EXPECT_FALSE(sync_->Put(K("/b"), "v").status.ok());
  ASSERT_TRUE(AwaitCondition([&] { return store_->health().state == StoreHealth::State::kUnavailable; }));
  const LeaseList list = sync_->ListLeases();
  EXPECT_EQ(ReasonOf(list.status), Reason::kReadOnly) << list.status;
  EXPECT_EQ(list.revision, latest);
  const LeaseResult lease = sync_->GetLease(id_);
  EXPECT_EQ(ReasonOf(lease.status), Reason::kReadOnly) << lease.status;
  EXPECT_EQ(lease.revision, latest);
  const Renewals renewals = Await<Renewals>([&](Done<Renewals> done) { store_->RenewLeases({id_}, 1, std::move(done)); });
  EXPECT_TRUE(renewals.results[0].status.ok()) << renewals.results[0].status;
  EXPECT_EQ(renewals.revision, latest);
  const Page page = sync_->Read(QueryOf(K("/a"), Scope::kKey));
  EXPECT_EQ(page.revision, latest);
  EXPECT_EQ(sync_->Put(K("/b"), "v").revision, latest);
  engine_->SetWrites(FaultyEngine::Writes::kWork);
  engine_->SetReopens(absl::OkStatus());
  ASSERT_TRUE(AwaitCondition([&] { return sync_->ListLeases().leases.size() == 1; }));
}

// Readers that wait inside of their answers hold the pool's threads.
TEST_F(LeaseFaults, ReadsOfLeasesAreRefusedWhenTooManyReadsWait) {
  Mutex mu;
  CondVar changed;
  int held = 0, answered = 0;
  bool open = false;
  for (int i = 0; i < limits::kReaderThreads; ++i) {
    store_->GetLease(id_, [&](const LeaseResult&) {
      MutexLock lock(&mu);
      ++held;
      while (!open) changed.Wait(&mu);
    });
  }
  ASSERT_TRUE(AwaitCondition([&] {
    MutexLock lock(&mu);
    return held == limits::kReaderThreads;
  }));
  const auto count = [&](const LeaseResult& lease) {
    EXPECT_TRUE(lease.status.ok()) << lease.status;
    MutexLock lock(&mu);
    ++answered;
  };
  for (int i = 0; i < limits::kQueuedReadsMax; ++i) store_->GetLease(id_, count);
  LeaseResult lease;
  LeaseList list;
  {
    DeferScope scope;  // What is refused is answered at its end.
    store_->GetLease(id_, [&](LeaseResult result) { lease = std::move(result); });
    store_->ListLeases(0, 1, [&](LeaseList result) { list = std::move(result); });
  }
  for (const absl::Status& status : {lease.status, list.status}) EXPECT_EQ(ReasonOf(status), Reason::kOverloaded) << status;
  {
    MutexLock lock(&mu);
    open = true;
    changed.NotifyAll();
  }
  EXPECT_TRUE(AwaitCondition([&] {
    MutexLock lock(&mu);
    return answered == limits::kQueuedReadsMax;
  }));
  store_.reset();  // The readers end, which use what is above.
}

}  // namespace
}  // namespace scoutlight::storage

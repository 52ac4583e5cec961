// What the embedded store over RocksDB knows after it was closed and opened again.

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/recording_sink.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

using ::testing::ElementsAre;

// A clock moved by more at once looks like a stopped process.
constexpr absl::Duration kStep = absl::Milliseconds(200);

class Restart : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }

  // Closes the store if it is open, and opens it.
  void Open() {
    store_.reset();
    store_ = OpenRocksdbStore(folder_.path() + "/" + name_, clock_);
    ASSERT_NE(store_, nullptr);
    sync_ = std::make_unique<SyncStore>(store_.get());
  }

  // Opens what a crash now would leave.
  void CrashAndOpen() {
    // Whatever the store has begun to write is on the disk then.
    ASSERT_TRUE(sync_->Put(K("/crashes"), name_).status.ok());
    const std::string from = folder_.path() + "/" + name_, to = from + "+";
    // The store drops files it needs no longer: a copy during which one went is made anew.
    ASSERT_TRUE(AwaitCondition([&] {
      std::error_code failed;
      std::filesystem::remove_all(to, failed);
      std::filesystem::copy(from, to, std::filesystem::copy_options::recursive, failed);
      return !failed;
    }));
    name_ += "+";
    Open();
  }

  // Lets the server run for so long.
  void Serve(absl::Duration time) {
    for (absl::Duration passed; passed < time; passed += kStep) {
      ASSERT_TRUE(clock_.AdvanceAndWaitUntilSeen(kStep));
      sync_->ListLeases();  // A look at lease time, whichever threads have seen the step.
    }
  }

  // How long the lease lives from here on.
  absl::Duration ServeUntilItEnds(LeaseId id) {
    absl::Duration passed;
    for (; sync_->GetLease(id).lease.remaining > absl::ZeroDuration(); passed += kStep) {
      EXPECT_LT(passed, absl::Minutes(1)) << "does not end";
      if (passed >= absl::Minutes(1) || !clock_.AdvanceAndWaitUntilSeen(kStep)) return passed;
    }
    EXPECT_TRUE(AwaitCondition([&] { return absl::IsNotFound(sync_->GetLease(id).status); })) << "did not end";
    return passed;
  }

  const TemporaryFolder folder_;
  std::string name_ = "data";  // Of the store in the folder.
  FakeClock clock_;
  std::shared_ptr<RecordingSink> sink_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SyncStore> sync_;
};

TEST_F(Restart, StatesPastAndPresentAreAsTheyWere) {
  const StoreId id = store_->store_id();
  const Revision r1 = sync_->Put(K("/a"), "1").revision;
  const Revision r2 = sync_->Put(K("/a"), "2").revision;
  const Revision r3 = sync_->Commit(TransactionOf({DeleteOf(K("/a")), PutOf(K("/b/c"), "3")})).revision;
  const std::optional<Entry> then = sync_->Get(K("/a"), r2);
  const std::optional<Entry> now = sync_->Get(K("/b/c"));
  Open();
  EXPECT_EQ(store_->store_id(), id);
  EXPECT_EQ(sync_->Latest(), r3);
  EXPECT_EQ(sync_->Get(K("/a"), r1)->value, Text("1"));
  EXPECT_EQ(sync_->Get(K("/a"), r2), then);
  EXPECT_EQ(sync_->Get(K("/a")), std::nullopt);
  EXPECT_EQ(sync_->Get(K("/b/c")), now);
  EXPECT_EQ(sync_->History(r1, r3, {Key(), Scope::kSubtree}, 1 << 20).batches.size(), 3u);
  EXPECT_EQ(sync_->Put(K("/d"), "v").revision, r3 + 1) << "no revision is used twice";
}

TEST_F(Restart, WhatWasCompactedStaysSo) {
  const Revision r1 = sync_->Put(K("/a"), "1").revision;
  const Revision r2 = sync_->Put(K("/a"), "2").revision;
  const Revision r3 = sync_->Put(K("/a"), "3").revision;
  ASSERT_TRUE(sync_->Compact(r2).status.ok());
  Open();
  const Page page = sync_->Read(QueryOf(K("/a"), Scope::kKey, r1));
  EXPECT_EQ(ReasonOf(page.status), Reason::kCompacted) << page.status;
  EXPECT_EQ(page.oldest_revision, r2);
  EXPECT_EQ(sync_->Get(K("/a"), r2)->value, Text("2"));
  EXPECT_EQ(sync_->Get(K("/a"), r3)->value, Text("3"));
}

TEST_F(Restart, ARequestIsAnsweredAgainThoughItsRevisionIsCompacted) {
  PutOperation put = PutOf(K("/a"), "mine");
  put.if_absent = true;
  Transaction request = TransactionOf({put});
  request.origin = {.caller = "alice", .request_id = "one", .request_hash = 1};
  const CommitResult first = sync_->Commit(request);
  ASSERT_TRUE(first.status.ok()) << first.status;
  for (int i = 0; i < 10; ++i) sync_->Put(K("/a"), absl::StrCat(i));
  ASSERT_TRUE(sync_->Compact(sync_->Latest()).status.ok());
  for (int i = 0; i < 2; ++i) {
    const CommitResult again = sync_->Commit(request);
    EXPECT_TRUE(again.status.ok()) << again.status;
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.revision, first.revision);
    Open();
  }
}

TEST_F(Restart, ARequestMadeBeforeIsKnownAfterwards) {
  sync_->Put(K("/read"), "then");
  Transaction request = TransactionOf({PutOf(K("/a"), "mine"), GetOperation{K("/read")}, DeleteOf(K("/read"))});
  request.origin = {.caller = "alice", .request_id = "one", .request_hash = 1};
  const CommitResult first = sync_->Commit(request);
  ASSERT_TRUE(first.status.ok()) << first.status;
  Open();
  sync_->Put(K("/a"), "theirs");
  const CommitResult again = sync_->Commit(request);
  EXPECT_TRUE(again.status.ok()) << again.status;
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.revision, first.revision);
  EXPECT_EQ(again.results, first.results);
  EXPECT_EQ(sync_->Get(K("/a"))->value, Text("theirs"));
  request.origin.request_hash = 2;
  EXPECT_EQ(ReasonOf(sync_->Commit(request).status), Reason::kRequestIdReused);
}

TEST_F(Restart, ARequestRememberedByItsChangeIsKnownAfterwards) {
  Transaction request = TransactionOf({PutOf(K("/a"), "mine")});
  request.origin = {.caller = "alice", .request_id = "one", .request_hash = 1, .memory = Memory::kChange};
  const CommitResult first = sync_->Commit(request);
  ASSERT_TRUE(first.status.ok()) << first.status;
  Open();
  sync_->Put(K("/a"), "theirs");
  Transaction other = TransactionOf({PutOf(K("/b"), "mine")});
  other.origin = request.origin;
  const CommitResult again = sync_->Commit(other);
  EXPECT_TRUE(again.status.ok()) << again.status;
  EXPECT_TRUE(again.replayed);
  EXPECT_TRUE(again.changed);
  EXPECT_EQ(again.revision, first.revision);
  EXPECT_EQ(sync_->Get(K("/b")), std::nullopt);
}

// What is left of a lease may be longer than it must by the jitter that each start draws.
constexpr absl::Duration kTtl = absl::Seconds(10);
constexpr absl::Duration kJitterMax = absl::Seconds(1);

TEST_F(Restart, ALeaseKeepsItsKeysAndGetsItsFullTimeAgain) {
  const LeaseId id = sync_->Grant(kTtl).lease.id;
  sync_->Put(K("/a"), "v", id);
  sync_->Put(K("/b"), "v", id);
  sync_->Put(K("/b"), "v");
  Serve(absl::Seconds(8));
  store_.reset();
  clock_.Advance(absl::Hours(5));  // Nobody served: this does not count against the owner.
  Open();
  const LeaseResult lease = sync_->GetLease(id);
  ASSERT_TRUE(lease.status.ok()) << lease.status;
  EXPECT_EQ(lease.lease.ttl, kTtl);
  EXPECT_GE(lease.lease.remaining, kTtl);
  EXPECT_LE(lease.lease.remaining, kTtl + kJitterMax);
  EXPECT_THAT(lease.lease.keys, ElementsAre(K("/a")));
  const absl::Duration lived = ServeUntilItEnds(id);
  EXPECT_GE(lived, kTtl);
  EXPECT_EQ(sync_->Renew({id})[0].status.code(), absl::StatusCode::kNotFound);
}

TEST_F(Restart, ALeaseThatNobodyRenewsEndsThoughServersComeAndGo) {
  const LeaseId id = sync_->Grant(kTtl).lease.id;
  Serve(absl::Seconds(4));
  // The first start after its grant gives it its ttl; from then on the time that each life serves is taken off.
  const absl::Duration life = absl::Seconds(3);
  for (int lives = 0; lives < 3; ++lives) {
    Open();
    const absl::Duration remaining = sync_->GetLease(id).lease.remaining;
    EXPECT_GE(remaining, kTtl - lives * life) << lives;
    EXPECT_LE(remaining, kTtl - lives * life + kJitterMax + lives * kStep) << lives;
    Serve(life);
  }
  Open();
  const absl::Duration lived = ServeUntilItEnds(id);
  EXPECT_GE(lived, kTtl - 3 * life);
  EXPECT_LE(lived, kTtl - 3 * life + kJitterMax + 5 * kStep);
}

TEST_F(Restart, ALeaseThatNobodyRenewsEndsThoughServersCrash) {
  const LeaseId id = sync_->Grant(kTtl).lease.id;
  Serve(absl::Seconds(4));
  const absl::Duration life = absl::Seconds(3);
  const absl::Duration forgotten = life / 4 + kStep;
  CrashAndOpen();
  ASSERT_TRUE(sync_->GetLease(id).status.ok());
  for (int lives = 1; lives <= 3; ++lives) {
    Serve(life);
    CrashAndOpen();
    const LeaseResult lease = sync_->GetLease(id);
    ASSERT_TRUE(lease.status.ok()) << lives << ": " << lease.status;
    EXPECT_GE(lease.lease.remaining, kTtl - lives * life) << lives;
    EXPECT_LE(lease.lease.remaining, kTtl - lives * (life - forgotten) + kJitterMax) << lives;
  }
  const absl::Duration lived = ServeUntilItEnds(id);
  EXPECT_LE(lived, kTtl - 3 * (life - forgotten) + kJitterMax + 5 * kStep);
}

TEST_F(Restart, ARenewedLeaseGetsItsFullTimeAfterEachRestart) {
  const LeaseId id = sync_->Grant(kTtl).lease.id;
  for (int lives = 0; lives < 4; ++lives) {
    Open();
    Serve(absl::Seconds(8));
    ASSERT_TRUE(sync_->Renew({id})[0].status.ok()) << "life " << lives;
    EXPECT_GE(sync_->GetLease(id).lease.remaining, kTtl - kStep);
  }
}

TEST_F(Restart, ALifeWithoutServingCostsNoLeaseAnything) {
  const LeaseId id = sync_->Grant(kTtl).lease.id;
  for (int lives = 0; lives < 5; ++lives) {
    Open();
    clock_.Advance(absl::Hours(1));  // As if the process were stopped as soon as it ran.
  }
  Open();
  EXPECT_GE(sync_->GetLease(id).lease.remaining, kTtl);
}

TEST_F(Restart, ALeasesBytesAreKnownAgain) {
  const LeaseId id = sync_->Grant(absl::Minutes(1)).lease.id;
  const std::string large(limits::kValueBytesMax, 'x');
  const int fit = static_cast<int>(limits::kBytesPerLeaseMax / limits::kValueBytesMax) - 1;
  for (int i = 0; i < fit; ++i) ASSERT_TRUE(sync_->Put(K(absl::StrCat("/l/", i)), large, id).status.ok()) << i;
  Open();
  EXPECT_TRUE(sync_->Put(K("/l/0"), large, id).status.ok()) << "in place of itself";
  EXPECT_EQ(ReasonOf(sync_->Put(K("/l/over"), large, id).status), Reason::kLeaseKeysFull);
}

TEST_F(Restart, AGrantIsFoundAgainByItsRequestAsLongAsItLives) {
  const Origin origin{.caller = "alice", .request_id = "grant", .request_hash = 1};
  const LeaseResult first = sync_->Grant(kTtl, 0, origin);
  ASSERT_TRUE(first.status.ok()) << first.status;
  EXPECT_FALSE(first.replayed);
  for (int lives = 0; lives < 3; ++lives) {
    const LeaseResult again = sync_->Grant(kTtl, 0, origin);
    EXPECT_TRUE(again.status.ok()) << again.status;
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.lease.id, first.lease.id);
    EXPECT_EQ(ReasonOf(sync_->Grant(2 * kTtl, 0, origin).status), Reason::kRequestIdReused) << "life " << lives;
    Open();
  }
  EXPECT_EQ(sync_->ListLeases().leases.size(), 1u);
  ASSERT_TRUE(sync_->Revoke(first.lease.id).status.ok());
  const LeaseResult anew = sync_->Grant(kTtl, 0, origin);
  EXPECT_TRUE(anew.status.ok()) << anew.status;
  EXPECT_FALSE(anew.replayed);
}

TEST_F(Restart, ARevocationThatTookKeysIsAnsweredAgain) {
  const LeaseId id = sync_->Grant(kTtl).lease.id;
  for (const char* path : {"/a", "/b", "/c"}) sync_->Put(K(path), "v", id);
  const Origin origin{.caller = "alice", .request_id = "revoke", .request_hash = 1};
  const CommitResult first = sync_->Revoke(id, origin);
  ASSERT_TRUE(first.status.ok()) << first.status;
  for (int lives = 0; lives < 2; ++lives) {
    const CommitResult again = sync_->Revoke(id, origin);
    EXPECT_TRUE(again.status.ok()) << again.status;
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.revision, first.revision);
    EXPECT_EQ(again.results[0].deleted, 3);
    Origin other = origin;
    other.request_hash = 2;
    EXPECT_EQ(ReasonOf(sync_->Revoke(id, other).status), Reason::kRequestIdReused);
    Open();
  }
}

TEST_F(Restart, AnEndedLeaseStaysEnded) {
  const LeaseId id = sync_->Grant(absl::Minutes(1)).lease.id;
  sync_->Put(K("/a"), "v", id);
  ASSERT_TRUE(sync_->Revoke(id).status.ok());
  Open();
  EXPECT_EQ(sync_->GetLease(id).status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(sync_->Get(K("/a")), std::nullopt);
}

TEST_F(Restart, AFollowerGoesOnWhereItWas) {
  for (int i = 0; i < 5; ++i) sync_->Put(K("/a"), absl::StrCat(i));
  const Revision seen = sync_->Latest();
  Open();
  for (int i = 0; i < 5; ++i) sync_->Put(K("/a"), absl::StrCat(i));
  sink_ = std::make_shared<RecordingSink>(seen - 2, *store_);
  store_->Follow(seen - 2, sink_);
  ASSERT_TRUE(sink_->WaitFor(sync_->Latest()));
  EXPECT_EQ(sink_->batches().size(), 7u) << "two from before, five since";
}

}  // namespace
}  // namespace scoutlight::storage

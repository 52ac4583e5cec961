// What becomes of writes when the storage below them breaks by itself.

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "base/limits.h"
#include "gtest/gtest.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_engine.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/faulty_engine.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

class WriteFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    auto engine = std::make_unique<FaultyEngine>(NewMemoryEngine("0123456789abcdef0123456789abcdef"));
    engine_ = engine.get();
    LocalStoreOptions options;
    options.clock = &clock_;
    options.random = std::mt19937_64(1);
    options.maintenance_interval = absl::Milliseconds(2);
    store_ = OpenLocalStore(std::move(engine), std::move(options)).value();
  }

  Pending<CommitResult> StartPut(const char* key) {
    Transaction transaction;
    transaction.on_success.push_back(PutOperation{.key = K(key), .value = {Value::Form::kText, "v"}});
    return Pending<CommitResult>::Start([&](Done<CommitResult> done) { store_->Commit(std::move(transaction), std::move(done)); });
  }

  Pending<CommitResult> StartDelete(const char* folder) {
    return Pending<CommitResult>::Start(
        [&](Done<CommitResult> done) { store_->Commit(TransactionOf({DeleteOf(K(folder), Scope::kSubtree)}), std::move(done)); });
  }

  // A folder whose removal alone is a whole batch.
  void PutLargeFolder(const char* folder) {
    const std::string value(limits::kValueBytesMax, 'x');
    const SyncStore store(store_.get());
    for (size_t bytes = 0; bytes <= limits::kBatchBytesMax; bytes += value.size()) {
      ASSERT_TRUE(store.Put(K(absl::StrCat(folder, "/", bytes)), value).status.ok());
    }
  }

  FakeClock clock_;
  FaultyEngine* engine_ = nullptr;  // The store's.
  std::unique_ptr<Store> store_;
};

// It was shown to nobody, and so nobody has forgotten what was kept of the keys that it changes.
TEST_F(WriteFaults, AWriteThatFailedAndIsThereAllTheSameIsReadOnceItHasRecovered) {
  const SyncStore store(store_.get());
  ASSERT_TRUE(store.Put(K("/a"), "before").status.ok());
  EXPECT_EQ(store.Get(K("/a"))->value, Text("before"));
  engine_->SetReopens(absl::UnavailableError("a test keeps it closed"));
  engine_->SetWrites(FaultyEngine::Writes::kLandAndFail);
  EXPECT_EQ(store.Put(K("/a"), "after").status.code(), absl::StatusCode::kUnknown);
  engine_->SetWrites(FaultyEngine::Writes::kWork);
  engine_->SetReopens(absl::OkStatus());
  ASSERT_TRUE(AwaitCondition([&] { return store.Put(K("/b"), "v").status.ok(); }));
  EXPECT_EQ(store.Get(K("/a"))->value, Text("after"));
}

// Also of what the leader itself knows: the next put builds on it.
TEST_F(WriteFaults, AWriteThatFailedAndIsThereAllTheSameIsWhatTheNextPutFinds) {
  const SyncStore store(store_.get());
  ASSERT_TRUE(store.Put(K("/a"), "before").status.ok());
  engine_->SetReopens(absl::UnavailableError("a test keeps it closed"));
  engine_->SetWrites(FaultyEngine::Writes::kLandAndFail);
  EXPECT_EQ(store.Put(K("/a"), "after").status.code(), absl::StatusCode::kUnknown);
  engine_->SetWrites(FaultyEngine::Writes::kWork);
  engine_->SetReopens(absl::OkStatus());
  CommitResult put;
  ASSERT_TRUE(AwaitCondition([&] { return (put = store.Put(K("/a"), "now")).status.ok(); }));
  EXPECT_EQ(put.results.at(0).version, 3);
}

// The engine stays open while somebody still reads it: what a failed write left there is shown by all of its keys, or by none.
TEST_F(WriteFaults, AWriteThatFailedIsNotShownByHalfWhileTheStorageStaysOpen) {
  const SyncStore store(store_.get());
  for (const char* path : {"/kept", "/other"}) ASSERT_TRUE(store.Put(K(path), "before").status.ok());
  EXPECT_EQ(store.Get(K("/kept"))->value, Text("before"));
  engine_->SetReopens(absl::FailedPreconditionError("a test goes on reading"));
  engine_->SetWrites(FaultyEngine::Writes::kLandAndFail);
  EXPECT_EQ(store.Commit(TransactionOf({PutOf(K("/kept"), "after"), PutOf(K("/other"), "after")})).status.code(),
            absl::StatusCode::kUnknown);
  const auto value_of = [&](const char* path) { return store.Read(QueryOf(K(path), Scope::kKey)); };
  Page other;
  ASSERT_TRUE(AwaitCondition([&] {
    other = value_of("/other");
    return other.status.ok() && other.entries.at(0).value == Text("after");
  }));
  Page kept;
  ASSERT_TRUE(AwaitCondition([&] { return (kept = value_of("/kept")).status.ok(); }));
  EXPECT_EQ(kept.entries.at(0).value, Text("after"));
  engine_->SetWrites(FaultyEngine::Writes::kWork);
  engine_->SetReopens(absl::OkStatus());
}

// Else it would wait, without a bound, for a disk that may never take writes again.
TEST_F(WriteFaults, AWriteThatWaitsWhenTheStorageFailsByItselfIsRefused) {
  engine_->SetWrites(FaultyEngine::Writes::kWait);
  CommitResult written;
  std::thread leader([&] { written = StartPut("/written").Wait(); });
  EXPECT_TRUE(AwaitCondition([this] { return engine_->waiting() > 0; }));
  Pending<CommitResult> waits = StartPut("/waits");
  EXPECT_FALSE(waits.ready());

  engine_->SetReopens(absl::UnavailableError("a test keeps it closed"));
  engine_->FailByItself();
  const absl::Status refused = waits.Wait().status;
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable) << refused;
  EXPECT_EQ(ReasonOf(refused), Reason::kReadOnly) << refused;

  engine_->SetWrites(FaultyEngine::Writes::kWork);
  leader.join();
  EXPECT_TRUE(written.status.ok()) << written.status;
  engine_->SetReopens(absl::OkStatus());
  ASSERT_TRUE(AwaitCondition([this] { return store_->health().state == StoreHealth::State::kServing; }));
  const SyncStore sync(store_.get());
  EXPECT_TRUE(sync.Get(K("/written")).has_value());
  EXPECT_FALSE(sync.Get(K("/waits")).has_value());
}

TEST_F(WriteFaults, WhatABatchHasNoRoomForMakesBatchesOfItsOwnInOrder) {
  PutLargeFolder("/a");
  PutLargeFolder("/b");
  engine_->SetWrites(FaultyEngine::Writes::kWait);
  CommitResult first;
  std::thread leader([&] { first = StartPut("/first").Wait(); });
  ASSERT_TRUE(AwaitCondition([this] { return engine_->waiting() > 0; }));
  const int written = engine_->written();
  Pending<CommitResult> a = StartDelete("/a"), b = StartDelete("/b"), last = StartPut("/a/again");
  engine_->SetWrites(FaultyEngine::Writes::kWork);
  leader.join();

  const CommitResult a_gone = a.Wait(), b_gone = b.Wait(), put = last.Wait();
  ASSERT_TRUE(a_gone.status.ok() && b_gone.status.ok() && put.status.ok()) << a_gone.status << b_gone.status << put.status;
  EXPECT_EQ(a_gone.revision, first.revision + 1);
  EXPECT_EQ(b_gone.revision, first.revision + 2);
  EXPECT_EQ(put.revision, first.revision + 3);
  EXPECT_EQ(engine_->written() - written, 3) << "each in a batch of its own";
  EXPECT_EQ(Paths(SyncStore(store_.get()).List(K("/"), Scope::kSubtree)), (std::vector<std::string>{"/a/again", "/first"}));
}

// What waits behind a batch that was full is in nobody's sight when the queue is refused.
TEST_F(WriteFaults, WhatABatchHadNoRoomForIsRefusedWhenTheStorageFailsMeanwhile) {
  PutLargeFolder("/a");
  PutLargeFolder("/b");
  engine_->SetWrites(FaultyEngine::Writes::kWait);
  std::thread leader([&] { EXPECT_TRUE(StartPut("/first").Wait().status.ok()); });
  ASSERT_TRUE(AwaitCondition([this] { return engine_->waiting() > 0; }));
  Pending<CommitResult> a = StartDelete("/a"), b = StartDelete("/b");
  engine_->HoldNewBatches(true);
  engine_->SetWrites(FaultyEngine::Writes::kWork);
  ASSERT_TRUE(AwaitCondition([this] { return engine_->held() > 0; }));

  engine_->SetReopens(absl::UnavailableError("a test keeps it closed"));
  engine_->FailByItself();
  ASSERT_TRUE(AwaitCondition([this] { return store_->health().state == StoreHealth::State::kReadOnly; }));
  engine_->HoldNewBatches(false);
  const absl::Status refused = b.Wait().status;
  EXPECT_EQ(ReasonOf(refused), Reason::kReadOnly) << refused;
  const CommitResult a_gone = a.Wait();
  EXPECT_TRUE(a_gone.status.ok()) << a_gone.status;
  leader.join();

  engine_->SetReopens(absl::OkStatus());
  ASSERT_TRUE(AwaitCondition([this] { return store_->health().state == StoreHealth::State::kServing; }));
  const SyncStore store(store_.get());
  EXPECT_TRUE(store.List(K("/a"), Scope::kSubtree).empty());
  EXPECT_FALSE(store.List(K("/b"), Scope::kSubtree).empty());
}

}  // namespace
}  // namespace scoutlight::storage

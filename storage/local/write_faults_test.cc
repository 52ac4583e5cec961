// What becomes of writes when the storage below them breaks by itself.

#include <memory>
#include <random>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/error.h"
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

  FakeClock clock_;
  FaultyEngine* engine_ = nullptr;  // The store's.
  std::unique_ptr<Store> store_;
};

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

}  // namespace
}  // namespace scoutlight::storage

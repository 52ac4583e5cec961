// Drains of an instance that others change at the same time.
#include "server/discovery/draining.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "discovery/catalog.h"
#include "discovery/system_records.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/raced_store.h"
#include "server/discovery/registrar.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {
namespace {

using discovery::InstanceName;
using ::testing::HasSubstr;

constexpr int kTries = 8;  // So often a change is tried.
const InstanceName kName{"c", "s", "i"};

class DrainingTest : public ::testing::Test {
 protected:
  DrainingTest()
      : store_(storage::OpenMemoryStore(clock_)),
        raced_(store_.get()),
        sync_(store_.get()),
        feed_(std::make_shared<CatalogFeed>(store_.get(), CatalogFeedOptions{.clock = &clock_},
                                            [](const std::vector<discovery::ServiceName>&) {})),
        registrar_({.store = &raced_, .feed = feed_.get(), .clock = &clock_, .random = [this] { return ++drawn_; }}),
        faster_({.store = store_.get(), .feed = feed_.get(), .clock = &clock_, .random = [this] { return ++drawn_; }}) {
    feed_->Start();
    store_->Follow(sync_.Latest(), feed_);
    EXPECT_TRUE(storage::AwaitCondition([this] { return feed_->catalog() != nullptr; }));
    registered_ = Ask(&registrar_, &Registrar::Register, Of("a"));
    EXPECT_TRUE(registered_.status.ok()) << registered_.status;
  }
  ~DrainingTest() override { feed_->Stop(); }

  // The registrar may answer inside the call.
  template <typename Request>
  static ChangedInstance Ask(Registrar* registrar, void (Registrar::*method)(Request, Registrar::Done), Request request) {
    Mutex mu;
    CondVar changed;
    std::optional<ChangedInstance> answer;
    (registrar->*method)(std::move(request), [&](ChangedInstance instance) {
      MutexLock lock(&mu);
      answer = std::move(instance);
      changed.NotifyAll();
    });
    MutexLock lock(&mu);
    while (!answer.has_value()) changed.Wait(&mu);
    return *std::move(answer);
  }
  static Registration Of(const std::string& session) {
    return {.name = kName, .properties = {{"port", "80"}}, .ttl = absl::Seconds(30), .take_over = true, .session = session};
  }
  ChangedInstance Drain(Revision epoch = 0) {
    return Ask(&registrar_, &Registrar::Drain, DrainChange{.name = kName, .epoch = epoch, .origin = {}});
  }
  // Whose changes nothing comes before.
  template <typename Request>
  ChangedInstance Faster(void (Registrar::*method)(Request, Registrar::Done), Request request) {
    return Ask(&faster_, method, std::move(request));
  }
  // Somebody else changes the record, and nothing about the instance.
  void TouchRecord() const {
    const Key key = discovery::InstanceRecordKey(kName);
    const std::optional<Entry> record = sync_.Get(key);
    ASSERT_TRUE(record.has_value());
    sync_.Put(key, record->value.bytes, record->lease_id);
  }
  discovery::InstancePtr Shown() const { return feed_->catalog()->FindInstance(kName); }

  storage::FakeClock clock_;
  std::unique_ptr<storage::Store> store_;
  RacedStore raced_;  // The registrar's.
  const storage::SyncStore sync_;
  std::atomic<uint64_t> drawn_ = 0;
  std::shared_ptr<CatalogFeed> feed_;  // Goes before the store.
  Registrar registrar_;
  Registrar faster_;
  ChangedInstance registered_;
};

TEST_F(DrainingTest, ItIsTriedSoOftenAndNoMore) {
  raced_.BeforeCommits(kTries, [this] { TouchRecord(); });
  int before = raced_.commits();
  const ChangedInstance contended = Drain();
  EXPECT_EQ(contended.status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(contended.status), Reason::kContended);
  EXPECT_THAT(std::string(contended.status.message()), HasSubstr("8 times in a row"));
  EXPECT_EQ(raced_.commits() - before, kTries);
  EXPECT_EQ(Shown()->status, discovery::Status::kUp);

  raced_.BeforeCommits(kTries - 1, [this] { TouchRecord(); });
  before = raced_.commits();
  const ChangedInstance drained = Drain();
  EXPECT_TRUE(drained.status.ok()) << drained.status;
  EXPECT_EQ(raced_.commits() - before, kTries);
  EXPECT_EQ(Shown()->status, discovery::Status::kDraining);
}

TEST_F(DrainingTest, OfTwoTheSlowerAnswersWithTheRevisionOfTheFaster) {
  ChangedInstance faster;
  raced_.BeforeCommits(1, [&] { faster = Faster(&Registrar::Drain, DrainChange{.name = kName}); });
  const ChangedInstance slower = Drain();
  ASSERT_TRUE(faster.status.ok()) << faster.status;
  ASSERT_TRUE(slower.status.ok()) << slower.status;
  EXPECT_EQ(slower.revision, faster.revision) << "it has been draining since";
  EXPECT_EQ(sync_.Latest(), faster.revision) << "nothing was written anew";
}

TEST_F(DrainingTest, AnInstanceThatEndsMeanwhileIsNotFound) {
  raced_.BeforeCommits(1, [this] { sync_.Revoke(registered_.instance->lease_id); });
  EXPECT_EQ(ReasonOf(Drain().status), Reason::kInstanceNotFound);
  EXPECT_EQ(Shown(), nullptr);
}

TEST_F(DrainingTest, OneThatIsTakenOverMeanwhileIsTheNewOwners) {
  raced_.BeforeCommits(1, [this] { EXPECT_TRUE(Faster(&Registrar::Register, Of("b")).status.ok()); });
  EXPECT_EQ(ReasonOf(Drain(registered_.instance->epoch).status), Reason::kFenced);
  EXPECT_EQ(Shown()->status, discovery::Status::kUp);
  EXPECT_GT(Shown()->epoch, registered_.instance->epoch);
  raced_.BeforeCommits(1, [this] { EXPECT_TRUE(Faster(&Registrar::Register, Of("c")).status.ok()); });
  const Revision before = Shown()->epoch;
  EXPECT_TRUE(Drain().status.ok()) << "whoever owns it";
  EXPECT_EQ(Shown()->status, discovery::Status::kDraining);
  EXPECT_GT(Shown()->epoch, before);
}

}  // namespace
}  // namespace scoutlight::server

#include "server/discovery/override_editor.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/error.h"
#include "base/mutex.h"
#include "discovery/system_records.h"
#include "server/discovery/raced_store.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {
namespace {

using discovery::InstanceName;
using discovery::Override;

constexpr absl::Duration kTtl = absl::Hours(1);
const InstanceName kName{"c", "s", "i"};
const absl::Status kTooManyLeases = absl::ResourceExhaustedError("too many leases");

class OverrideEditorTest : public ::testing::Test {
 protected:
  OverrideEditorTest()
      : store_(storage::OpenMemoryStore(clock_)),
        raced_(store_.get()),
        sync_(store_.get()),
        feed_(std::make_shared<CatalogFeed>(store_.get(), CatalogFeedOptions{.clock = &clock_},
                                            [](const std::vector<discovery::ServiceName>&) {})),
        editor_(&raced_, feed_.get()) {
    feed_->Start();
    store_->Follow(sync_.Latest(), feed_);
    EXPECT_TRUE(storage::AwaitCondition([this] { return feed_->catalog() != nullptr; }));
  }
  ~OverrideEditorTest() override { feed_->Stop(); }

  OverrideChange Put(const std::string& reason, std::optional<absl::Duration> ttl, storage::Origin origin = {.connection = 1}) {
    return Ask([&](OverrideEditor::Done done) { editor_.Put(kName, {.reason = reason}, ttl, std::move(origin), std::move(done)); });
  }
  OverrideChange Delete() {
    return Ask([&](OverrideEditor::Done done) { editor_.Delete(kName, {.connection = 1}, std::move(done)); });
  }
  static storage::Origin Request(const std::string& id, uint64_t hash = 1) {
    return {.caller = "me", .request_id = id, .request_hash = hash};
  }
  // Leases are revoked behind the answer. Of an override that expires there is one, its own; else none.
  void ExpectNoLeaseLeft() const {
    const std::optional<Entry> stored = sync_.Get(discovery::OverrideKey(kName));
    const bool expires = stored.has_value() && stored->lease_id != 0;
    EXPECT_TRUE(storage::AwaitCondition([&] { return sync_.ListLeases().leases.size() == (expires ? 1 : 0); }));
    if (!expires) return;
    EXPECT_TRUE(sync_.GetLease(stored->lease_id).status.ok());
  }
  // The reason of the override that is stored; "": there is none.
  std::string Stored() const {
    const std::optional<Entry> stored = sync_.Get(discovery::OverrideKey(kName));
    return stored.has_value() ? discovery::ParseOverride(stored->value.bytes).value().reason : "";
  }

  storage::FakeClock clock_;
  std::unique_ptr<storage::Store> store_;
  RacedStore raced_;  // The editor's.
  const storage::SyncStore sync_;
  std::shared_ptr<CatalogFeed> feed_;  // Goes before the store.
  OverrideEditor editor_;

 private:
  template <typename Call>
  static OverrideChange Ask(Call call) {
    Mutex mu;
    CondVar changed;
    std::optional<OverrideChange> answer;
    call([&](OverrideChange change) {
      MutexLock lock(&mu);
      EXPECT_FALSE(answer.has_value());
      answer = std::move(change);
      changed.NotifyAll();
    });
    MutexLock lock(&mu);
    while (!answer.has_value()) changed.Wait(&mu);
    return *std::move(answer);
  }
};

// Two changes of an override that expires. The faster one comes whole between what the slower one sees first, and its commit.
enum class Act { kPut, kPutForGood, kDelete };
struct Race {
  Act slower;
  Act faster;
};

class OverrideRaceTest : public OverrideEditorTest, public ::testing::WithParamInterface<Race> {
 protected:
  OverrideChange Do(Act act, const std::string& reason) {
    if (act == Act::kDelete) return Delete();
    return Put(reason, act == Act::kPut ? std::optional<absl::Duration>(kTtl) : std::nullopt);
  }
};

TEST_P(OverrideRaceTest, LeavesNoLeaseThatNoOverrideHas) {
  ASSERT_TRUE(Put("first", kTtl).status.ok());
  OverrideChange faster;
  raced_.BeforeCommits(1, [&] { faster = Do(GetParam().faster, "faster"); });
  const OverrideChange slower = Do(GetParam().slower, "slower");
  EXPECT_TRUE(faster.status.ok()) << faster.status;
  EXPECT_TRUE(slower.status.ok()) << slower.status;
  const bool faster_deletes = GetParam().faster == Act::kDelete;
  const bool slower_deletes = GetParam().slower == Act::kDelete;
  EXPECT_EQ(faster.found, faster_deletes);
  EXPECT_EQ(slower.found, slower_deletes && !faster_deletes);
  EXPECT_EQ(Stored(), slower_deletes ? "" : "slower");
  ExpectNoLeaseLeft();
}

INSTANTIATE_TEST_SUITE_P(All, OverrideRaceTest,
                         ::testing::Values(Race{Act::kPut, Act::kPut}, Race{Act::kPut, Act::kPutForGood}, Race{Act::kPut, Act::kDelete},
                                           Race{Act::kPutForGood, Act::kPut}, Race{Act::kDelete, Act::kPut},
                                           Race{Act::kDelete, Act::kDelete}));

TEST_F(OverrideEditorTest, APutThatGotNoLeaseIsTriedAnew) {
  const Revision before = sync_.Latest();
  raced_.FailGrants(kTooManyLeases);
  const OverrideChange refused = Put("jam", kTtl, Request("p"));
  EXPECT_EQ(refused.status, kTooManyLeases);
  EXPECT_FALSE(refused.replayed);
  EXPECT_EQ(sync_.Latest(), before);
  raced_.FailGrants(absl::OkStatus());
  const OverrideChange put = Put("jam", kTtl, Request("p"));
  ASSERT_TRUE(put.status.ok()) << put.status;
  EXPECT_FALSE(put.replayed);
  EXPECT_EQ(put.override->reason, "jam");
  const OverrideChange again = Put("jam", kTtl, Request("p"));
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.revision, put.revision);
  ExpectNoLeaseLeft();
}

TEST_F(OverrideEditorTest, ARepeatedPutNeedsNoLease) {
  const OverrideChange put = Put("jam", kTtl, Request("p"));
  ASSERT_TRUE(put.status.ok()) << put.status;
  raced_.FailGrants(kTooManyLeases);
  const OverrideChange again = Put("jam", kTtl, Request("p"));
  EXPECT_TRUE(again.status.ok()) << again.status;
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.revision, put.revision);
  EXPECT_EQ(again.override->reason, "jam");
  EXPECT_EQ(ReasonOf(Put("dust", kTtl, Request("p", 2)).status), Reason::kRequestIdReused);
  EXPECT_EQ(Put("dust", kTtl, Request("q")).status, kTooManyLeases);
  EXPECT_EQ(Stored(), "jam");
  ExpectNoLeaseLeft();
}

}  // namespace
}  // namespace scoutlight::server

// Calendar time jumps while leases run: they end by the boot-time clock, and history never goes back.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

constexpr absl::Duration kTtl = absl::Seconds(5);
constexpr absl::Duration kStep = absl::Milliseconds(200);
// A lease may live a little longer than it must (lease_life.h), and is looked at now and then.
constexpr absl::Duration kLateMax = absl::Seconds(1);

// Boot time as FakeClock has it; the calendar beside it.
class JumpingClock : public Clock {
 public:
  absl::Time Now() override {
    MutexLock lock(&mu_);
    return steady_.Now() + jumped_;
  }
  absl::Duration SinceBoot() override { return steady_.SinceBoot(); }

  void Jump(absl::Duration by) {
    MutexLock lock(&mu_);
    jumped_ += by;
  }
  FakeClock& steady() { return steady_; }

 private:
  FakeClock steady_;
  Mutex mu_;
  absl::Duration jumped_ ABSL_GUARDED_BY(mu_);
};

// How the calendar jumps before each step; zero: not at all.
struct Jumps {
  std::string name;
  std::vector<absl::Duration> pattern;  // Again and again.
};

class ClockJumps : public ::testing::TestWithParam<Jumps> {
 protected:
  // Lets `time` pass, and the calendar jump.
  void Pass(absl::Duration time) {
    for (; time > absl::ZeroDuration(); time -= kStep) {
      clock_.Jump(GetParam().pattern[steps_++ % GetParam().pattern.size()]);
      ASSERT_TRUE(clock_.steady().AdvanceAndWaitUntilSeen(kStep));
      ASSERT_TRUE(sync_->Put(K("/other"), absl::StrCat(steps_)).status.ok());
    }
  }
  bool IsThere(const std::string& path) { return sync_->Get(K(path)).has_value(); }

  JumpingClock clock_;
  TemporaryFolder folder_;
  std::unique_ptr<Store> store_ = OpenRocksdbStore(folder_.path() + "/data", clock_);
  std::optional<SyncStore> sync_{store_.get()};
  size_t steps_ = 0;
};

TEST_P(ClockJumps, LeasesEndInTheirTimeAndCommitTimesNeverGoBack) {
  const LeaseId kept = sync_->Grant(kTtl).lease.id, left = sync_->Grant(kTtl).lease.id;
  ASSERT_TRUE(sync_->Put(K("/kept"), "", kept).status.ok());
  ASSERT_TRUE(sync_->Put(K("/left"), "", left).status.ok());
  for (absl::Duration passed; passed < kTtl - 2 * kStep; passed += kStep) {
    Pass(kStep);
    if (HasFatalFailure()) return;
    ASSERT_TRUE(IsThere("/left")) << "it ended after " << passed;
    ASSERT_TRUE(sync_->Renew({kept})[0].status.ok());
  }
  for (absl::Duration passed; passed < 2 * kStep + kLateMax; passed += kStep) {
    Pass(kStep);
    if (HasFatalFailure()) return;
    ASSERT_TRUE(sync_->Renew({kept})[0].status.ok());
  }
  EXPECT_TRUE(AwaitCondition([&] { return !IsThere("/left"); })) << "nobody renewed it for " << kTtl + kLateMax;
  EXPECT_TRUE(IsThere("/kept"));

  absl::Time latest = absl::InfinitePast();
  const HistoryPage history = sync_->History(2, sync_->Latest(), {Key(), Scope::kSubtree}, 1 << 20);
  ASSERT_TRUE(history.status.ok()) << history.status;
  EXPECT_GT(history.batches.size(), steps_);
  for (const auto& batch : history.batches) {
    EXPECT_GE(batch->committed, latest) << "at revision " << batch->revision;
    latest = batch->committed;
  }
}

INSTANTIATE_TEST_SUITE_P(Local, ClockJumps,
                         ::testing::Values(Jumps{"none", {absl::ZeroDuration()}},
                                           // Less than an hour: so much of the calendar's time history is kept.
                                           Jumps{"on_and_back", {absl::Minutes(50), -absl::Minutes(50)}},
                                           Jumps{"back_and_on", {-absl::Minutes(50), absl::Minutes(50)}},
                                           Jumps{"ten_years_back", {-absl::Hours(87'600), absl::Hours(87'600)}},
                                           Jumps{"to_and_fro",
                                                 {absl::Milliseconds(200), -absl::Milliseconds(400), absl::Milliseconds(200)}}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace scoutlight::storage

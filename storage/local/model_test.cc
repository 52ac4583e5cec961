// Drives a store with random calls and compares every answer with ReferenceModel. SCOUTLIGHT_SEED repeats a run; SCOUTLIGHT_TORTURE
// makes it long.

#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/testing/dice.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/model_comparison.h"
#include "storage/testing/recording_sink.h"
#include "storage/testing/reference_model.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

class ModelTest : public ::testing::Test {
 protected:
  // `reopen` closes and opens the store over what it holds; empty: it cannot.
  void Run(const std::function<std::unique_ptr<Store>(Clock&)>& open, bool reopens) {
    const char* seed_text = std::getenv("SCOUTLIGHT_SEED");
    seed_ = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : std::random_device()();
    const int steps = std::getenv("SCOUTLIGHT_TORTURE") != nullptr ? 100'000 : 5'000;
    std::cout << "SCOUTLIGHT_SEED=" << seed_ << " steps " << steps << std::endl;
    dice_.emplace(std::mt19937_64(seed_));
    Open(open);
    for (step_ = 0; step_ < steps && !HasFailure(); ++step_) {
      if (reopens && dice_->Chance(1) && dice_->Chance(30)) Open(open);
      Step();
      if (step_ % 100 == 0) CheckFollowed();
    }
    if (!HasFailure()) CheckFollowed();
    store_.reset();
  }

 private:
  struct Remembered {
    Transaction transaction;
    CommitResult result;
  };

  std::string Where() const { return absl::StrCat("SCOUTLIGHT_SEED=", seed_, " step ", step_, ": "); }

  void Open(const std::function<std::unique_ptr<Store>(Clock&)>& open) {
    if (store_ != nullptr) CheckFollowed();
    store_.reset();
    store_ = open(clock_);
    ASSERT_NE(store_, nullptr) << Where();
    sync_.emplace(store_.get());
    // From anywhere in history.
    const Revision after = model_.oldest() + dice_->Below(static_cast<int>(model_.latest() - model_.oldest()) + 1);
    followed_state_ = model_.StateAt(after);
    followed_batches_ = 0;
    expected_batches_ = model_.History(after + 1, model_.latest(), {Key(), Scope::kSubtree});
    sink_ = std::make_shared<RecordingSink>(after, *store_);
    store_->Follow(after, sink_);
  }

  void Step() {
    clock_.Advance(absl::Milliseconds(1));
    const int kind = dice_->Below(100);
    if (kind < 55) return StepCommit();
    if (kind < 85) return StepRead();
    if (kind < 90) return StepHistory();
    if (kind < 95) return StepLease();
    if (kind < 98) return StepRepeat();
    StepCompact();
  }

  void StepCommit() {
    Transaction transaction = dice_->AnyTransaction(model_, store_->traits());
    if (dice_->Chance(20)) {
      transaction.origin.caller = "model";
      transaction.origin.request_id = absl::StrCat(++requests_);
      transaction.origin.request_hash = requests_;
    }
    const CommitResult expected = model_.Commit(transaction);
    const CommitResult actual = sync_->Commit(transaction);
    Changed(expected);
    ASSERT_TRUE(Same(Normalized(transaction, actual), Normalized(transaction, expected)))
        << Where() << Describe(transaction) << "\n  store " << Describe(actual) << "\n  model " << Describe(expected);
    ASSERT_FALSE(actual.replayed) << Where();
    if (actual.changed && !transaction.origin.request_id.empty()) remembered_.push_back({transaction, actual});
  }

  // A request is made again: the first answer, and nothing happens.
  void StepRepeat() {
    if (remembered_.empty()) return;
    const Remembered& first = remembered_[dice_->Below(static_cast<int>(remembered_.size()))];
    if (first.result.revision - 1 < model_.oldest()) return;  // The answer cannot be found again.
    const CommitResult again = sync_->Commit(first.transaction);
    ASSERT_TRUE(again.replayed) << Where() << Describe(first.transaction) << "\n  again " << Describe(again);
    ASSERT_TRUE(Same(again, first.result)) << Where() << Describe(first.transaction) << "\n  again " << Describe(again) << "\n  first "
                                           << Describe(first.result);
  }

  // All pages of a list; writes between them change nothing of it.
  void StepRead() {
    Query query = dice_->AnyQuery(model_);
    for (;;) {
      Page expected = model_.Read(query);
      const Page actual = sync_->Read(query);
      if (actual.status.ok() && !expected.status.ok()) expected = model_.ReadKept(query).value_or(std::move(expected));
      ASSERT_TRUE(Same(actual, expected)) << Where() << Describe(query) << "\n  store " << Describe(actual) << "\n  model "
                                          << Describe(expected);
      if (query.expect_more_pages) model_.Keep(actual.revision);
      if (!actual.status.ok() || !actual.more || dice_->Chance(10)) return;
      query.revision = actual.revision;
      query.after = Position{actual.entries.back().key, actual.entries.back().create_revision};
      if (dice_->Chance(30)) StepCommit();
      if (HasFatalFailure()) return;
    }
  }

  void StepHistory() {
    const KeyRange range = dice_->Chance(30) ? KeyRange{Key(), Scope::kSubtree} : dice_->AnyRange();
    const Revision first = model_.oldest() + 1 + dice_->Below(static_cast<int>(model_.latest() - model_.oldest()) + 1);
    if (first > model_.latest()) return;
    const Revision last = first + dice_->Below(static_cast<int>(model_.latest() - first) + 1);
    const size_t bytes_max = dice_->Chance(30) ? 1 << 20 : dice_->Below(2000);
    std::vector<Batch> actual;
    for (Revision from = first; from <= last;) {
      const HistoryPage page = sync_->History(from, last, range, bytes_max);
      ASSERT_TRUE(page.status.ok()) << Where() << page.status;
      ASSERT_GT(page.next, from) << Where();
      for (const auto& batch : page.batches) actual.push_back(*batch);
      from = page.next;
    }
    CompareBatches(actual, model_.History(first, last, range));
  }

  void StepLease() {
    const int kind = dice_->Below(3);
    if (kind == 0 && model_.leases().size() < 5) {
      const LeaseResult lease = sync_->Grant(absl::Hours(20));
      ASSERT_TRUE(lease.status.ok()) << Where() << lease.status;
      ASSERT_EQ(model_.leases().count(lease.lease.id), 0u) << Where();
      model_.Grant(lease.lease.id);
      return;
    }
    const LeaseId id = dice_->AnyLease(model_);
    if (id == 0) return;
    const bool there = model_.leases().count(id) == 1;
    if (kind == 1) {
      const CommitResult expected = model_.Revoke(id);
      const CommitResult actual = sync_->Revoke(id);
      Changed(expected);
      ASSERT_TRUE(SameFailure(actual.status, expected.status)) << Where() << actual.status;
      ASSERT_EQ(actual.revision, expected.revision) << Where();
      if (!there) return;
      ASSERT_EQ(actual.results.size(), 1u) << Where();
      ASSERT_EQ(actual.results[0].deleted, expected.results[0].deleted) << Where();
    } else {
      const LeaseResult actual = sync_->GetLease(id);
      ASSERT_EQ(actual.status.ok(), there) << Where() << actual.status;
      if (there) {
        ASSERT_EQ(actual.lease.keys, model_.KeysOf(id)) << Where();
      }
    }
  }

  void StepCompact() {
    const Revision oldest = dice_->Chance(80) ? std::max(model_.oldest(), model_.latest() - dice_->Below(200)) : dice_->AnyRevision(model_);
    if (oldest < 1) return;
    CheckFollowed();  // The model gives up what its batches are compared with.
    const absl::Status expected = model_.Compact(oldest);
    const CompactResult actual = sync_->Compact(oldest);
    ASSERT_TRUE(SameFailure(actual.status, expected)) << Where() << actual.status;
    ASSERT_EQ(actual.oldest_revision, model_.oldest()) << Where();
    ASSERT_EQ(actual.revision, model_.latest()) << Where();
  }

  // Notes the batch of a transaction for comparison with what the store shows its follower.
  void Changed(const CommitResult& result) {
    if (!result.changed) return;
    for (Batch& batch : model_.History(result.revision, result.revision, {Key(), Scope::kSubtree})) {
      expected_batches_.push_back(std::move(batch));
    }
  }

  void CompareBatches(const std::vector<Batch>& actual, const std::vector<Batch>& expected) {
    for (size_t i = 0; i < std::max(actual.size(), expected.size()); ++i) {
      const Batch shown = i < actual.size() ? actual[i] : Batch();
      Batch right = i < expected.size() ? expected[i] : Batch();
      for (size_t e = 0; e < std::min(shown.events.size(), right.events.size()); ++e) {
        if (shown.events[e].previous_known) continue;
        right.events[e].previous_known = false;
        right.events[e].previous.reset();
      }
      ASSERT_TRUE(shown.revision == right.revision && shown.events == right.events)
          << Where() << "\n  store " << Describe(shown) << "\n  model " << Describe(right);
    }
  }

  // What the sink was shown since the last time is what happened, and replays to the state.
  void CheckFollowed() {
    ASSERT_TRUE(sink_->WaitFor(model_.latest())) << Where() << sink_->reached() << " of " << model_.latest();
    ASSERT_TRUE(sink_->gaps().empty()) << Where();
    const auto shown = sink_->batches();
    std::vector<Batch> news;
    for (; followed_batches_ < shown.size(); ++followed_batches_) news.push_back(*shown[followed_batches_]);
    CompareBatches(news, expected_batches_);
    expected_batches_.clear();
    for (const Batch& batch : news) {
      for (const Event& event : batch.events) {
        if (event.kind == EventKind::kPut) {
          followed_state_[event.key] = event.entry;
        } else {
          followed_state_.erase(event.key);
        }
      }
    }
    ASSERT_TRUE(followed_state_ == model_.StateAt(model_.latest())) << Where() << "the batches do not replay to the state";
  }

  uint64_t seed_ = 0;
  int step_ = 0;
  std::optional<Dice> dice_;
  FakeClock clock_;
  ReferenceModel model_;
  uint64_t requests_ = 0;
  std::vector<Remembered> remembered_;
  std::shared_ptr<RecordingSink> sink_;
  ReferenceModel::State followed_state_;
  size_t followed_batches_ = 0;  // Of the sink's, compared so far.
  std::vector<Batch> expected_batches_;
  std::unique_ptr<Store> store_;
  std::optional<SyncStore> sync_;
};

TEST_F(ModelTest, MemoryAnswersAsTheModel) {
  Run([](Clock& clock) { return OpenMemoryStore(clock); }, false);
}

TEST_F(ModelTest, RocksdbAnswersAsTheModelOverReopens) {
  const TemporaryFolder folder;
  Run([&folder](Clock& clock) { return OpenRocksdbStore(folder.path() + "/data", clock); }, true);
}

}  // namespace
}  // namespace scoutlight::storage

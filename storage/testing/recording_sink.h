#ifndef SCOUTLIGHT_STORAGE_TESTING_RECORDING_SINK_H_
#define SCOUTLIGHT_STORAGE_TESTING_RECORDING_SINK_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "storage/store.h"
#include "storage/testing/await.h"

namespace scoutlight::storage {

// Keeps what a store shows, and fails the test when it breaks the promises of Sink that can be seen from what it shows alone: order,
// once, without a gap, no batch without events, events in key order. Thread-safe.
class RecordingSink : public Sink {
 public:
  enum class Revisions { kContiguous, kIncreasing };

  // As for Store::Follow(after); `revisions` as the store's traits say.
  RecordingSink(Revision after, Revisions revisions) : revisions_(revisions), reached_(after) {}
  RecordingSink(Revision after, const Store& store)
      : RecordingSink(after, store.traits().contiguous_revisions ? Revisions::kContiguous : Revisions::kIncreasing) {}

  void OnBatch(std::shared_ptr<const Batch> batch) override {
    MutexLock lock(&mu_);
    if (revisions_ == Revisions::kContiguous) {
      EXPECT_EQ(batch->revision, reached_ + 1) << "a gap or a repetition";
    } else {
      EXPECT_GT(batch->revision, reached_) << "a repetition";
    }
    EXPECT_FALSE(batch->events.empty());
    for (size_t i = 1; i < batch->events.size(); ++i) EXPECT_TRUE(batch->events[i - 1].key < batch->events[i].key) << "not in key order";
    reached_ = batch->revision;
    batches_.push_back(std::move(batch));
    changed_.NotifyAll();
  }

  void OnProgress(Revision revision) override {
    MutexLock lock(&mu_);
    EXPECT_GE(revision, reached_) << "progress goes back";
    if (revisions_ == Revisions::kContiguous) {
      EXPECT_EQ(revision, reached_) << "progress over batches that were not shown";
    }
    reached_ = revision;
    changed_.NotifyAll();
  }

  void OnGap(Revision oldest) override {
    MutexLock lock(&mu_);
    EXPECT_GT(oldest, reached_) << "nothing is missing";
    reached_ = oldest;
    gaps_.push_back(oldest);
    changed_.NotifyAll();
  }

  void OnStale() override {
    MutexLock lock(&mu_);
    EXPECT_NE(stale_, true) << "stale twice";
    stale_ = true;
  }

  void OnFresh() override {
    MutexLock lock(&mu_);
    EXPECT_NE(stale_, false) << "fresh twice";
    stale_ = false;
  }

  // Up to which revision everything has been shown.
  Revision reached() const {
    MutexLock lock(&mu_);
    return reached_;
  }

  // Waits until reached() is at least `revision`; false when it is not within kAwaitBound.
  bool WaitFor(Revision revision) const {
    const absl::Duration start = Clock::System().SinceBoot();
    MutexLock lock(&mu_);
    while (reached_ < revision) {
      if (Clock::System().SinceBoot() - start > kAwaitBound) return false;
      changed_.WaitFor(&mu_, absl::Seconds(1));
    }
    return true;
  }

  // Whether the store has said last that all is shown.
  bool is_fresh() const { return IsStale() == false; }
  bool WaitUntilFresh() const {
    return AwaitCondition([this] { return is_fresh(); });
  }
  bool WaitUntilStale() const {
    return AwaitCondition([this] { return IsStale() == true; });
  }

  std::vector<std::shared_ptr<const Batch>> batches() const {
    MutexLock lock(&mu_);
    return batches_;
  }

  std::vector<Revision> gaps() const {
    MutexLock lock(&mu_);
    return gaps_;
  }

 private:
  std::optional<bool> IsStale() const {
    MutexLock lock(&mu_);
    return stale_;
  }

  const Revisions revisions_;
  mutable Mutex mu_;
  mutable CondVar changed_;
  Revision reached_ ABSL_GUARDED_BY(mu_);
  std::vector<std::shared_ptr<const Batch>> batches_ ABSL_GUARDED_BY(mu_);
  std::vector<Revision> gaps_ ABSL_GUARDED_BY(mu_);
  std::optional<bool> stale_ ABSL_GUARDED_BY(mu_);  // nullopt: the store has not said.
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_RECORDING_SINK_H_

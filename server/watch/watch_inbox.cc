#include "server/watch/watch_inbox.h"

#include <deque>
#include <utility>
#include <vector>

namespace scoutlight::server {

// What goes of the recent batches is destroyed after the lock, and what comes is counted before it: it may be as long as a transaction is.

void WatchInbox::OnBatch(BatchPtr batch) {
  const size_t bytes = BatchBytes(*batch);
  std::vector<BatchPtr> gone;
  bool awaited = false;
  {
    MutexLock lock(&mu_);
    if (closed_) return;
    gone = recent_.Add({std::move(batch), bytes});
    awaited = batches_awaited_;
  }
  if (awaited) wake_.NotifyOne();
}

void WatchInbox::OnProgress(Revision revision) {
  {
    MutexLock lock(&mu_);
    recent_.Reach(revision);
  }
  wake_.NotifyOne();
}

void WatchInbox::OnGap(Revision oldest) {
  std::deque<RecentBatches::Kept> gone;
  {
    MutexLock lock(&mu_);
    gone = recent_.Restart(oldest);
  }
  wake_.NotifyOne();
}

void WatchInbox::OnStale() {
  MutexLock lock(&mu_);
  stale_ = true;
}

void WatchInbox::OnFresh() {
  MutexLock lock(&mu_);
  stale_ = false;
}

void WatchInbox::StartAt(Revision revision) {
  std::deque<RecentBatches::Kept> gone;
  MutexLock lock(&mu_);
  gone = recent_.Restart(revision);
}

void WatchInbox::Post(Order order, Task task) {
  {
    MutexLock lock(&mu_);
    if (closed_) return;
    (order == Order::kFirst ? first_ : then_).push_back(std::move(task));
  }
  wake_.NotifyOne();
}

WatchInbox::Work WatchInbox::Take(Revision seen, absl::Duration bound, Awaited awaited) {
  const auto nothing = [this, seen]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !closed_ && first_.empty() && then_.empty() && (!batches_awaited_ || recent_.last() <= seen);
  };
  MutexLock lock(&mu_);
  batches_awaited_ = awaited == Awaited::kTasksAndBatches;
  if (nothing() && bound > absl::ZeroDuration()) wake_.WaitFor(&mu_, bound);
  Work work{
      .first = std::exchange(first_, {}), .last = recent_.last(), .stale = stale_, .then = std::exchange(then_, {}), .closed = closed_};
  return work;
}

std::optional<BatchRun> WatchInbox::Recent(Revision from, Revision to, size_t batches_max, size_t bytes_max) {
  MutexLock lock(&mu_);
  if (from <= recent_.after()) return std::nullopt;
  return recent_.Take(from, to, batches_max, bytes_max);
}

Revision WatchInbox::RecentAfter() {
  MutexLock lock(&mu_);
  return recent_.after();
}

void WatchInbox::Close() {
  std::vector<Task> dropped_first;
  std::vector<Task> dropped_then;
  std::deque<RecentBatches::Kept> dropped_batches;
  {
    MutexLock lock(&mu_);
    closed_ = true;
    dropped_first = std::exchange(first_, {});
    dropped_then = std::exchange(then_, {});
    dropped_batches = recent_.Restart(0);
  }
  wake_.NotifyOne();
}

}  // namespace scoutlight::server

#ifndef SCOUTLIGHT_SERVER_WATCH_WATCH_INBOX_H_
#define SCOUTLIGHT_SERVER_WATCH_WATCH_INBOX_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "server/watch/recent_batches.h"
#include "storage/store.h"

namespace scoutlight::server {

// What others hand to the hub's thread: the store its batches, gRPC's threads what befell a stream, the store's readers their answers.
// Nothing here blocks but Take(). The batches are bounded: who is too slow for them finds the oldest gone. Tasks are bounded by what they
// tell of: a stream has at most one write, one read and one end outstanding. Thread-safe.
class WatchInbox final : public storage::Sink {
 public:
  using Task = absl::AnyInvocable<void() &&>;

  WatchInbox(size_t batches_max, size_t bytes_max) : recent_(batches_max, bytes_max) {}

  // storage::Sink.
  void OnBatch(BatchPtr batch) override;
  void OnProgress(Revision revision) override;
  void OnGap(Revision oldest) override;
  void OnStale() override;
  void OnFresh() override;

  // Batches after `revision` are about to come.
  void StartAt(Revision revision);

  // kFirst: carried out before the batches that are there, so that a stream which has become free gets them at once; kThen: after them.
  enum class Order { kFirst, kThen };
  // After Close() `task` is dropped.
  void Post(Order order, Task task);

  // What there is to do.
  struct Work {
    std::vector<Task> first;
    Revision last = 0;  // Up to which batches have come.
    bool stale = false;
    std::vector<Task> then;
    bool closed = false;
  };
  // kTasks: nobody watches, so that batches can wait for the next task.
  enum class Awaited { kTasks, kTasksAndBatches };
  // Waits until there is what is awaited (a batch: after `seen`), or an end, at most for `bound`.
  Work Take(Revision seen, absl::Duration bound, Awaited awaited);

  // The batches in [from, to] as RecentBatches::Take; nullopt: some of them are gone.
  std::optional<BatchRun> Recent(Revision from, Revision to, size_t batches_max, size_t bytes_max);

  // Everything after it is among the recent batches.
  Revision RecentAfter();

  // Ends Take(), and drops what comes.
  void Close();

 private:
  Mutex mu_;
  CondVar wake_;
  RecentBatches recent_ ABSL_GUARDED_BY(mu_);
  bool batches_awaited_ ABSL_GUARDED_BY(mu_) = false;  // By the last Take().
  bool stale_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<Task> first_ ABSL_GUARDED_BY(mu_);
  std::vector<Task> then_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_WATCH_INBOX_H_

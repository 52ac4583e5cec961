#ifndef SCOUTLIGHT_STORAGE_LOCAL_COMMITTER_H_
#define SCOUTLIGHT_STORAGE_LOCAL_COMMITTER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/reader_pool.h"
#include "storage/local/batch_writer.h"
#include "storage/local/engine.h"
#include "storage/local/entry_cache.h"
#include "storage/local/latest_records.h"
#include "storage/local/request_index.h"
#include "storage/local/room_gauge.h"
#include "storage/local/shared_leases.h"
#include "storage/local/view.h"
#include "storage/local/write_queue.h"
#include "storage/store.h"

namespace scoutlight::storage {

// Turns queued writes into batches, one at a time. Whoever may do that is the leader. A thread that submits while nobody leads does so when
// its DeferScope closes, and gives leadership up before it answers: the next that submits leads while it does. When nobody has, it leads
// again, up to four batches; then the committer thread takes one. That thread leads too for who has no scope. So a gRPC thread is never
// held for long, and most answers leave on gRPC's own threads (docs/decisions/0007-who-leads-commits.md).
//
// A batch: evaluate each write on the published state and what the batch has changed; give revisions; one synced engine write; publish the
// view; show the sink; give leadership up; answer, under no lock. After a failed engine write the whole batch is answered
// kUnknown, and everything but tasks is refused until recovery (LocalUpkeep runs it).
//
// Thread-safe. Lock order: mu_ before nothing; the leases' mutex is taken with no other held, and before PublishedView's.
class Committer {
 public:
  struct Parts {
    Engine* engine = nullptr;  // All outlive the committer.
    Clock* clock = nullptr;
    ReaderPool* pool = nullptr;
    PublishedView* published = nullptr;
    EntryCache* kept = nullptr;
    SharedLeases* leases = nullptr;
    std::function<uint64_t()> random;
  };

  explicit Committer(Parts parts);
  ~Committer();

  // Waits for the batch in progress and answers what is queued, and whatever comes later, with kUnavailable. The calling thread has no
  // DeferScope open. To be called before the pool is destroyed, whose work may still submit.
  void Close();

  // Queues a write, or answers it at once with what is wrong. Tasks are always queued.
  void Submit(QueuedWrite write);

  // See Store::Follow.
  void Follow(Revision after, std::shared_ptr<Sink> sink);

  // Gives up the states before `oldest`; see Store::Compact.
  void Compact(Revision oldest, Done<CompactResult> done);

  // Below this revision engines may drop history: it is compacted, and no repetition of a request needs it. Called with leadership or
  // before the first Submit.
  Revision HistoryFloor(const View& view) const;

  // The engine failed: from now on writes are refused until recovery, those too that are queued.
  void NoteFailure(absl::string_view problem);

  // Empty while all is well, else what failed.
  std::string problem() const;

  // Before the first Submit: a request found in the log.
  void Remember(absl::string_view caller, absl::string_view request_id, RequestIndex::Request request, absl::Time committed);
  void SetLastCommitted(absl::Time time) { last_committed_ = time; }

  // Takes leadership for recovery. False: nothing failed, or a batch is still in progress.
  bool BeginRecovery();
  // With leadership, once the view is published: what the engine turned out to hold behind the last published revision.
  void ShowRecovered(const std::vector<std::shared_ptr<const Batch>>& batches);
  // Gives leadership up. `problem` empty: writes are taken again.
  void EndRecovery(std::string problem);

 private:
  struct Following {
    std::shared_ptr<Sink> sink;
    Revision shown = 0;
    bool live = false;
  };

  void Lead();
  void Loop();
  // With leadership, which it gives up.
  void LeadOneBatch();
  // Whether there is something to lead for.
  bool MayLead() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !queue_.empty() && !closing_ && problem_.empty(); }
  // With leadership.
  void Process(std::vector<QueuedWrite>& batch);
  absl::Duration LeaseNow(absl::Duration since_boot);
  void Publish(BatchWriter& writer, const View& before);
  // The writes of the queue. Tasks stay, and wait for the recovery: nobody could be told that they were dropped.
  std::vector<QueuedWrite> TakeWrites() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RefuseAll(std::vector<QueuedWrite> writes, absl::string_view problem);
  void CatchUpOrGoLive();
  void FollowNow(Following following);
  void CompactNow(Revision oldest, Done<CompactResult> done);
  // On a pool thread, while the sink is not live.
  void CatchUp();
  // The sink's next batches from history, a page at a time. False: no view, or damaged history.
  bool ShowHistory(const View& view);

  static void Answer(std::vector<QueuedWrite> batch);
  // Ends `write` with `status` without having carried it out.
  static void Refuse(QueuedWrite write, const absl::Status& status, Revision revision);

  const Parts parts_;

  // Held by the leader alone; handed on together with leadership, under mu_.
  RequestIndex requests_;
  LatestRecords known_;
  absl::Time last_committed_ = absl::InfinitePast();
  RoomGauge room_;
  Following following_;                      // While `catching_up_`: that work's alone.
  bool catching_up_ = false;                 // A pool thread shows history.
  std::optional<Following> next_following_;  // To take its place then.

  mutable Mutex mu_;
  CondVar wake_;  // The committer thread leads, or stops.
  CondVar idle_;  // Nobody leads or answers any more.
  WriteQueue queue_ ABSL_GUARDED_BY(mu_);
  bool led_ ABSL_GUARDED_BY(mu_) = false;
  bool committer_leads_ ABSL_GUARDED_BY(mu_) = false;
  int answering_ ABSL_GUARDED_BY(mu_) = 0;  // Threads that have led and still answer.
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::string problem_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_COMMITTER_H_

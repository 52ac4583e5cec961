#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_FOLLOWER_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_FOLLOWER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/entry.h"
#include "storage/etcd/etcd_backlog.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_events.h"
#include "storage/etcd/etcd_fence.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/etcd/history_point.h"
#include "storage/store.h"

namespace scoutlight::storage {

struct EtcdFollowerOptions {
  Clock* clock = &Clock::System();                // Outlives the follower; dates the ends of leases.
  absl::Duration stale_after = absl::Seconds(1);  // Without a watch that has caught up, or with an answer waiting, for so long: OnStale.
  absl::Duration retry_after = absl::Milliseconds(100);
  absl::Duration fence_after = absl::Milliseconds(20);  // How long what is waited for may come by itself.
  std::function<void(const absl::Status&)> stopped;     // Told why when it stays stale for ever. Must be set.
};

// Shows a sink what happens to the nodes: one watch over all of them, made again behind the last batch shown whenever it breaks. Used on
// the client's thread only.
//
// A new watch is known to have caught up when it has brought a fence that was put after it began; only then is the sink called fresh.
// Before each, the store's id, its latest revision and its history (HistoryPoint) are looked at: a cluster that was wiped or restored has
// another id, or a past that this watch, or an answer, has seen the future of, or has made another future of that since; then nothing more
// is shown, as when the watch itself brings another identity. Where etcd is full and takes no fence, the progress that the watch tells on
// request stands for it, which some releases tell too early. A watch that is silent while others get answers, or behind the mark that they
// read, is given up, and its member left.
//
// What this store wrote itself need not wait for the watch: etcd's answer says it all, and it is shown if it is the very next revision,
// while a watch stands whose beginning has been looked at. With others' revisions between it and the last one shown, it waits until the
// watch has brought those. What the watch brings afterwards is not shown again.
//
// The watch does not bring what was there before: etcd looks that up for each event of each watch, and copies what it has not written to
// disk yet each time (3.4). Of own writes their answers say it; of what others changed it is read (EtcdBacklog). So what the watch brings
// of an own write waits for the answer, but not for long.
//
// What the watch brings is taken and shown in turns of bounded length, between which the client's thread does what else there is; but a
// revision is one batch, however long.
class EtcdFollower {
 public:
  using Task = absl::AnyInvocable<void() &&>;

  // All outlive this.
  EtcdFollower(EtcdClient& client, const EtcdMapping& mapping, EtcdFence& fence, StoreId store_id, EtcdFollowerOptions options);

  // A later call takes the place of the one before. `after` compacted away already: OnGap, then on from there.
  void Follow(Revision after, std::shared_ptr<Sink> sink);

  // Runs `task` once the sink has been shown everything up to `revision`: inside the call if it has, if nobody follows, or if the sink
  // has been told that it is stale. Waits little longer than stale_after, and then tells it so. `own`: the batch of that revision, if this
  // store made it and knows it.
  void WhenShown(Revision revision, std::shared_ptr<const Batch> own, Task task);

  // Around a write of this store, whose mark says `committed`: between these its answer is under way.
  void BeginOwn(absl::Time committed) { own_under_way_.insert(committed); }
  void EndOwn(absl::Time committed);

  // Sees to it that the sink is shown progress to `revision` though nothing of the store may have happened there.
  void ShowUpTo(Revision revision);

  // For how long the sink may have lacked something; zero: it has what etcd has, or nobody follows. Thread-safe.
  absl::Duration behind() const {
    const std::optional<absl::Duration> since = behind_since_.get();
    return since.has_value() ? options_.clock->SinceBoot() - *since : absl::ZeroDuration();
  }
  // What others know of etcd now and then: that the mark was put last at `revision`; or that it does not answer.
  void NoteMark(Revision revision);
  void NoteSilence();
  // Nothing more will be shown: if anything waits, the sink is told that it is stale, and all of that runs.
  void Close();

 private:
  EtcdBacklogOptions BacklogOptions();
  void Begin();
  // Of what this store was answered last etcd may know nothing any more, though it has come further.
  void CheckAnswers(Revision latest);
  void BeginBehind(Revision latest);
  // Looks whether etcd has the history of `point`; `then`, if it has, or if that is compacted away.
  void Search(const HistoryPoint& point, absl::AnyInvocable<void(const PointSearch&) &&> then);
  absl::Status OtherHistory(Revision revision) const;
  void Watch();
  EtcdClient::StreamStep OnResponse(int64_t watch, etcdserverpb::WatchResponse response);
  // One turn of the response at hand; the next one comes by itself.
  EtcdClient::StreamStep TakeTurn();
  absl::Status TakeEvents();
  // Shows what the watch has brought as far as it is known what was there before, and sees to the rest.
  void ShowBrought();
  // True: that was a turn, and there may be more to show.
  absl::StatusOr<bool> TryShowBrought();
  void ShowMoreLater();
  bool IsOther(const EtcdChange& change) const;
  // The first change that lacks what was there before may be an own write: waits a little for its answer.
  void AwaitAnswer();
  // Whether nothing is missed if what the watch brings behind `revision` waits a little, so that more comes at once.
  bool MayRestAt(Revision revision) const;
  void Rest();
  void EndRest();
  // Of the watch that ends, nothing counts any more.
  void DropWatch();
  void OnGap(Revision oldest);
  void OnEnd(int64_t watch);
  void AskFence();
  void AskProgress();
  // Looks now and then whether what is waited for has been shown, as long as anything is.
  void LookAfter();
  void LookNow();
  // Whether the watch has missed its time to say something.
  bool IsSilent(bool owes_answer);
  void PushOnAfter(absl::Duration wait);
  void PushOn();
  // The state that the watch began behind may be gone, and deletes with it: etcd does not show those of the very revision that it was
  // compacted at. Then the sink is told of a gap up to `fence`.
  void CheckBeginning(Revision fence);
  void BeginLater();
  void Stop(absl::Status problem);
  void SetStale();
  void SetFresh();
  // Something was shown up to `revision`.
  void Reached(Revision revision);
  void Advance(Revision revision);
  // For when it is its turn, if there is room.
  void Keep(std::shared_ptr<const Batch> own);
  // Shows what this store wrote as far as no other revision lies between.
  void ShowOwn();
  void RunWaiting(Revision up_to);

  EtcdClient& client_;
  const EtcdMapping& mapping_;
  EtcdFence& fence_;
  const StoreId store_id_;
  const EtcdFollowerOptions options_;
  std::shared_ptr<Sink> sink_;
  std::optional<EtcdEvents> events_;  // Of the watch in use.
  std::function<void()> cancel_;      // Ends it; null: there is none.
  std::function<void(etcdserverpb::WatchRequest)> write_;
  std::function<void()> resume_;
  size_t member_ = 0;
  bool asks_progress_ = false;               // In the place of the fence.
  Revision shown_ = 0;                       // Everything up to here has been shown.
  std::optional<PlacedMark> mark_;           // As of shown_; nullopt: not known.
  Revision answered_ = 0;                    // etcd has made this store's writes up to here.
  std::optional<PlacedMark> answered_mark_;  // Of the last of them that is known with all it did.
  HistoryPoint began_;                       // What had been shown when the watch began.
  bool is_created_ = false;                  // It has answered.
  Revision fenced_ = 0;                      // The sink has the latest state when this has been shown ...
  bool fence_is_due_ = false;                // ... and etcd has taken the fence of this watch.
  Revision wanted_ = 0;                      // By ShowUpTo.
  bool wanted_is_timed_ = false;
  bool looks_after_ = false;   // LookNow() is due.
  bool has_heard_ = false;     // The watch has said something since the last look, or what it said has got on.
  int64_t watches_ = 0;        // Made so far; tells a watch and a timer whether it is still the one.
  std::optional<bool> fresh_;  // As the sink was told last; nullopt: nothing yet.
  // A point of time since boot, or none: that the watch has caught up. Read by any thread.
  class Since {
   public:
    std::optional<absl::Duration> get() const {
      const int64_t nanoseconds = nanoseconds_.load(std::memory_order_relaxed);
      return nanoseconds == kNone ? std::nullopt : std::optional(absl::Nanoseconds(nanoseconds));
    }
    bool has_value() const { return get().has_value(); }
    void set(absl::Duration since) { nanoseconds_.store(absl::ToInt64Nanoseconds(since), std::memory_order_relaxed); }
    // The first one stays.
    void set_first(absl::Duration since) {
      if (!has_value()) set(since);
    }
    void reset() { nanoseconds_.store(kNone, std::memory_order_relaxed); }

   private:
    static constexpr int64_t kNone = -1;
    std::atomic<int64_t> nanoseconds_ = kNone;
  };
  Since behind_since_;
  absl::Status problem_;
  struct Response {
    etcdserverpb::WatchResponse response;
    int at = 0;          // The events before have been taken.
    size_t bytes = 0;    // Not counted in brought_bytes_ yet.
    Revision shown = 0;  // When it came.

    bool is_taken() const { return at == response.events_size(); }
  };
  Response response_;                        // At hand.
  bool shows_more_ = false;                  // ShowBrought() is due.
  EtcdBacklog backlog_;                      // Brought by the watch and not shown yet.
  bool is_paused_ = false;                   // Until that has been shown.
  bool rests_ = false;                       // It is paused too, for a moment.
  absl::Duration rested_;                    // Since boot: when that ended last.
  bool awaits_answer_ = false;               // Until a timer ends; then ...
  Revision awaited_ = 0;                     // ... no longer for that of this revision.
  std::multiset<absl::Time> own_under_way_;  // Each is a call in flight.
  struct Waiting {
    absl::Duration until;  // Since boot.
    Task task;
  };
  std::multimap<Revision, Waiting> waiting_;  // Each is a call in flight, whose number is bounded.
  struct Own {
    std::shared_ptr<const Batch> batch;
    size_t bytes = 0;
    int64_t watch = 0;  // That stood when it was answered.
  };
  std::map<Revision, Own> own_;  // Not shown yet.
  size_t own_bytes_ = 0;         // Bounded: what does not fit is left to the watch.
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_FOLLOWER_H_

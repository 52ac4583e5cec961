#ifndef SCOUTLIGHT_SERVER_WATCH_WATCH_DISPATCHER_H_
#define SCOUTLIGHT_SERVER_WATCH_WATCH_DISPATCHER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/limits.h"
#include "server/watch/catch_up_pass.h"
#include "server/watch/interest_index.h"
#include "server/watch/watch_frame.h"
#include "server/watch/watch_inbox.h"
#include "server/watch/watch_records.h"
#include "server/watch/watch_stream.h"
#include "storage/store.h"

namespace scoutlight::server {

struct WatchLimits {
  int watches_max = limits::kWatchesMax;
  int watches_per_connection_max = limits::kWatchesPerConnectionMax;
  int snapshot_reads_max = limits::kSnapshotReadsMax;
  size_t frame_bytes_max = limits::kAnswerBytesMax - kWatchManyPrefixBytesMax;
  size_t snapshot_page_bytes_max = 1 * limits::kMiB;
  absl::Duration retry_after = absl::Milliseconds(100);  // When the store cannot read for now.
};

// Storage speaks of the field `revision`: what it says of a watch names `field`, or none when it is empty.
absl::Status AboutField(const absl::Status& status, absl::string_view field);

// Decides what is sent to which stream, and when. A watch is a place in the history, not a queue:
//
//   current   everything shown has been sent. A batch is matched against the index; each interest's frame is made once and written to
//             every current watch of it whose stream is free. A watch whose stream is not free falls behind: it remembers the batch's
//             revision, and waits in its stream's line.
//   behind    when its stream is free, its next frame is made from the recent batches, if they are few; else it waits in the CatchUpPass
//             for the piece of history, recent or read from the store, that holds its place.
//   compacted its place is no longer there: it begins with the state again, if it asked for that, or ends.
//
// Used by the hub's thread alone. Answers of the store come through the inbox.
class WatchDispatcher {
 public:
  // `store` outlives this, and so does whatever the inbox still holds.
  WatchDispatcher(storage::Store* store, std::shared_ptr<WatchInbox> inbox, WatchLimits limits);

  // Time and the store's freshness, before anything else of a round. Heartbeats that are due are sent; none while the store is stale.
  void BeginRound(absl::Duration now, bool stale);
  // Revisions up to `revision` have been shown: batches after it will come.
  void StartAt(Revision revision);
  Revision shown() const { return shown_; }

  // The next batches, up to revision `to`.
  void ShowBatches(const std::vector<BatchPtr>& batches, Revision to);
  // What came after shown() is not to be had from the recent batches any more, which begin after `revision`.
  void SkipTo(Revision revision);

  void Open(std::shared_ptr<WatchStream> call, Stream::Form form, uint64_t connection);
  void Command(WatchStream* call, WatchCommand command);
  void OnWritten(WatchStream* call);
  // The client is gone: the stream gets its end.
  void OnCancelled(WatchStream* call);
  // The call is over.
  void OnClosed(WatchStream* call);
  // Every stream ends with `reason`, those that come later too.
  void Drain(absl::Status reason);

  // Does a piece of the catching up in either part of the history, as can be done now; false: there is none.
  bool CatchUp();
  // When there is something to do without being told.
  absl::Duration NextDeadline() const;

  size_t streams() const { return streams_.size(); }
  size_t watches() const { return watches_.size(); }
  size_t interests() const { return index_.size(); }
  size_t behind() const { return pass_.size(); }
  size_t timers() const { return timers_.size(); }

 private:
  using Part = CatchUpPass::Part;
  using Timer = std::pair<absl::Duration, uint64_t>;  // When; the watch's serial.

  // Streams and watches.
  Stream* Find(WatchStream* call);
  void Create(Stream& stream, CreateWatch command);
  absl::Status CheckRoom(const Stream& stream) const;
  void Begin(Watch& watch, const WatchSpec& spec);
  void Cancel(Stream& stream, int64_t watch_id);
  // `sent`: as WatchEnd::revision.
  void Refuse(Stream& stream, int64_t watch_id, absl::Status status, Revision sent);
  void End(Watch& watch, absl::Status status, Revision oldest = 0);
  void EndAll(Stream& stream, const absl::Status& status);
  void Finish(Stream& stream, const WatchEnd& end);
  void Erase(Watch& watch);
  WatchEnd EndOf(const Watch& watch, absl::Status status, Revision oldest) const;
  // Up to where everything has been sent.
  Revision SentUpTo(const Watch& watch) const { return watch.current ? shown_ : watch.next.revision - 1; }

  // Sending.
  void Queue(Watch& watch);
  // Serves the streams that have become free or got something to send.
  void ServeReady();
  void Serve(Stream& stream);
  void ServeWatch(Watch& watch);
  void ServeChanges(Watch& watch);
  bool SendRecent(Watch& watch);
  void Write(Watch& watch, const FrameBytes& frame);
  void MakeCurrent(Watch& watch);
  void LeaveCurrent(Watch& watch);
  void Deliver(Interest& interest, const Batch& batch);
  ChangesForm FormOf(const Interest& interest) const;
  void SendProgress(Watch& watch);
  void ReadOn(Stream& stream);

  // Catching up.
  bool TakeCaughtUp();
  bool CatchUpFromRecent(Revision after);
  bool CatchUpFromLog(Revision to);
  void ServePiece(Part part);
  void ReadHistory(Revision from);
  void OnHistory(Revision from, storage::HistoryPage page);
  void FallBehindCompaction(Watch& watch, Revision oldest);

  // Snapshots.
  void ServeSnapshot(Watch& watch);
  void WantPage(Watch& watch);
  void ReadPage(Watch& watch);
  // `held`: the stream that was kept free for the page, or null.
  void OnPage(uint64_t serial, WatchStream* held, storage::Page page);
  void TakePage(Watch& watch, storage::Page page);
  void OnUnreadable(Watch& watch, const storage::Page& page);
  void RestartSnapshot(Watch& watch);

  void SetTimer(const Watch& watch, absl::Duration at) { timers_.emplace(at, watch.serial); }
  void FireTimers();
  // Those of watches that have ended go before they are due, when they are the most.
  void PruneTimers();
  void Retry();

  storage::Store& store_;
  const std::shared_ptr<WatchInbox> inbox_;
  const WatchLimits limits_;
  const StoreId store_id_;

  absl::Duration now_;
  bool stale_ = false;
  absl::Status draining_;
  Revision shown_ = 0;

  absl::flat_hash_map<WatchStream*, std::unique_ptr<Stream>> streams_;
  absl::flat_hash_map<uint64_t, Watch*> watches_;             // By serial.
  absl::flat_hash_map<uint64_t, int> watches_of_connection_;  // Of streams of many.
  uint64_t last_serial_ = 0;
  InterestIndex index_;
  std::vector<Stream*> ready_;
  std::vector<Interest*> touched_;
  FrameBytes progress_frame_;
  Revision progress_revision_ = 0;

  CatchUpPass pass_;
  bool reading_history_ = false;
  struct RecentFrame {
    Revision shown = 0;
    absl::flat_hash_map<std::pair<uint64_t, Cursor>, ChangesFrame> frames;
    size_t bytes = 0;
  };
  RecentFrame recent_;

  int page_reads_ = 0;
  std::deque<uint64_t> page_line_;  // Watches that wait for a page to be read; those that are gone or cannot take it are passed over.
  std::vector<uint64_t> to_retry_;  // Watches whose page could not be read.
  absl::Duration retry_at_ = absl::InfiniteDuration();
  absl::Duration history_retry_at_ = -absl::InfiniteDuration();

  std::priority_queue<Timer, std::vector<Timer>, std::greater<Timer>> timers_;  // One for each watch, and those of some that have ended.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_WATCH_DISPATCHER_H_

#ifndef SCOUTLIGHT_SERVER_WATCH_WATCH_HUB_H_
#define SCOUTLIGHT_SERVER_WATCH_WATCH_HUB_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/limits.h"
#include "server/stream_places.h"
#include "server/watch/watch_dispatcher.h"
#include "server/watch/watch_inbox.h"
#include "server/watch/watch_stream.h"
#include "storage/store.h"

namespace scoutlight::server {

struct WatchHubOptions {
  Clock* clock = &Clock::System();                                                             // Outlives the hub.
  std::shared_ptr<StreamPlaces> places = std::make_shared<StreamPlaces>(limits::kStreamsMax);  // Each stream takes one.
  size_t recent_batches_max = limits::kRecentBatchesMax;
  size_t recent_bytes_max = limits::kRecentBytesMax;
  WatchLimits limits;
  absl::Duration clock_look_interval = absl::Seconds(1);  // At the latest so often the clock is looked at.
  std::shared_ptr<storage::Sink> also;                    // Is shown the same, just before the hub is: a store has one sink. Null: none.
};

// Sends what happens in a store to any number of streams. It follows the store, has one thread, and everything is matched, serialized and
// decided there; whoever calls it only hands over. What a stream is sent, and in which order, stands at RegistryService.Watch; how, at
// WatchDispatcher (docs/decisions/0008-watch-hub.md). Memory is bounded: the recent batches, one piece of history, and for each stream
// its record and the one frame that it is writing. Thread-safe; nothing but the destructor blocks.
class WatchHub {
 public:
  // `store` outlives the hub. Does nothing yet: what it is told waits for Start().
  WatchHub(storage::Store* store, WatchHubOptions options);

  // Every stream is over, or will not be heard of again.
  ~WatchHub();

  // Follows the store, in the place of who did before, and serves the streams. Call it once.
  void Start();

  // A stream with one watch, or with those that it will ask for. `connection`: the same for all streams of one. From now on `stream` is
  // called, until OnClosed(). kResourceExhausted, Reason::kStreamsFull: it is not taken.
  absl::Status OpenOne(std::shared_ptr<WatchStream> stream, uint64_t connection, WatchSpec spec);
  absl::Status OpenMany(std::shared_ptr<WatchStream> stream, uint64_t connection);

  // What befell a stream that was taken. Command() follows one ReadNext(), OnWritten() one Write() that has gone out; a failed one, and a
  // client that goes, is OnCancelled(). OnClosed() is the last: the call is over.
  void Command(WatchStream* stream, WatchCommand command);
  void OnWritten(WatchStream* stream);
  void OnCancelled(WatchStream* stream);
  void OnClosed(WatchStream* stream);

  // Ends all streams with `reason`, also those that come later. Those that are not read end when their calls are cut.
  void Drain(absl::Status reason);

  // For tests and for who looks after the server; each as of some moment lately.
  struct Counts {
    int streams = 0;
    int watches = 0;
    int interests = 0;
    int behind = 0;  // Watches in the pass.
    int timers = 0;
  };
  Counts counts() const;

  // Up to where the streams have been shown what happened.
  StoreId store_id() const { return store_.store_id(); }
  Revision shown() const { return shown_.load(std::memory_order_relaxed); }

 private:
  absl::Status TakePlace();
  void Loop();
  // Learns the latest revision, then follows from there.
  void FindStart();
  void OnLatest(const storage::Page& page);
  void ShowRecent(Revision last);

  storage::Store& store_;
  const WatchHubOptions options_;
  const std::shared_ptr<WatchInbox> inbox_;

  // Of the hub's thread.
  WatchDispatcher dispatcher_;
  bool finding_start_ = false;
  bool following_ = false;
  bool open_ = false;  // Streams are served.
  absl::Duration find_start_at_ = -absl::InfiniteDuration();
  std::vector<WatchInbox::Task> early_;  // What came before that.

  // Written by the hub's thread, `streams_` by all; they order nothing.
  std::atomic<int> streams_{0};
  std::atomic<int> watches_{0};
  std::atomic<int> interests_{0};
  std::atomic<int> behind_{0};
  std::atomic<int> timers_{0};
  std::atomic<Revision> shown_{0};
  std::thread thread_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_WATCH_HUB_H_

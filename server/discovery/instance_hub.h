#ifndef SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_HUB_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_HUB_H_

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/limits.h"
#include "discovery/filter/filter.h"
#include "discovery/names.h"
#include "discovery/service_snapshot.h"
#include "server/discovery/hub_inbox.h"
#include "server/discovery/instance_frames.h"
#include "server/discovery/service_looks.h"
#include "server/discovery/shared_filters.h"
#include "server/discovery/shown_counts.h"
#include "server/stream_places.h"

namespace scoutlight::server {

// A call of DiscoveryService/Watch as the hub sees it. Called from the hub's thread alone.
class InstanceStream {
 public:
  virtual ~InstanceStream() = default;

  // A whole WatchResponse; InstanceHub::OnWritten follows, and no other write before.
  virtual void Write(std::shared_ptr<const std::string> frame) = 0;
  // The last call.
  virtual void Finish(const absl::Status& status) = 0;
};

struct InstanceWatchSpec {
  discovery::ServiceName service;
  discovery::Filter filter;  // Without age.
  absl::Duration heartbeat;
};

// Tells streams how the answers that they watch change. A watch is not a queue but the snapshot of its service that its client has: when
// the service has another one and the stream is free, what differs between the two, as far as the filter shows it, is the next frame. So a
// slow client costs its record and the chunks that are old by now, and gets the newest state of what changed; equal watches share the
// frames' bytes; a change that no filter shows sends nothing. One thread; memory is bounded by the places for streams, with one
// frame of 1 MiB each at most. Thread-safe; nothing but the destructor blocks.
class InstanceHub {
 public:
  // All outlive the hub. `catalog` gives null while none has been read.
  struct Parts {
    std::function<std::shared_ptr<discovery::Catalog>()> catalog;
    Clock* clock = nullptr;
    StoreId store_id;
    std::shared_ptr<StreamPlaces> places = std::make_shared<StreamPlaces>(limits::kStreamsMax);  // Each stream takes one.
    // As Store::behind(): while it is more than zero, there are no heartbeats.
    std::function<absl::Duration()> behind = [] { return absl::ZeroDuration(); };
  };

  explicit InstanceHub(Parts parts);
  // Every stream is over, or will not be heard of again.
  ~InstanceHub();

  void Start();

  // Instances of these services have changed; empty: of any. Cheap, from any thread.
  void OnChanged(const std::vector<discovery::ServiceName>& services);

  // Takes a stream, which is called from now on, until OnClosed(). kResourceExhausted, STREAMS_FULL: it is not taken.
  absl::Status Open(std::shared_ptr<InstanceStream> stream, InstanceWatchSpec spec);
  void OnWritten(InstanceStream* stream);
  void OnCancelled(InstanceStream* stream);
  void OnClosed(InstanceStream* stream);

  // Ends all streams, also those that come later.
  void Drain(absl::Status reason);

  // How many streams were shown an instance at work (status not DRAINING), by what they were sent last, even in part or on its way out.
  // Answers on the hub's thread; not after the hub's end. Looks at each stream of the service, unless a count of this `number` is kept:
  // that is so from then on until EndCount(), of at most limits::kDrainsMax numbers; 0: none.
  void CountShown(discovery::InstanceName name, uint64_t number, absl::AnyInvocable<void(int) &&> done);
  void EndCount(uint64_t number);

  // How many are open.
  int streams() const { return streams_.load(std::memory_order_relaxed); }

  // Frames made, each written to any number of streams. For tests.
  int64_t frames_made() const { return frames_.made(); }
  // How often it was looked whether a stream shows an instance at work. For tests.
  int64_t shown_looks() const { return shown_looks_.load(std::memory_order_relaxed); }

 private:
  struct Watch;

  void Post(HubInbox::Task task) { inbox_.Post(std::move(task)); }
  void Loop();
  // All watches of services that changed, whose streams are free.
  void ServeChanged(const absl::flat_hash_set<discovery::ServiceName>& services, bool any);
  void ServeHeartbeats(absl::Duration now);
  // Writes the next frame of a watch, if there is one to write up to this round's look and its stream is free.
  void Serve(Watch* watch, absl::Duration now);
  // The next frame on the way from what the client has to `watch->to`; null: nothing is left that it should see.
  InstanceFrame NextFrame(Watch* watch);
  void WriteFrame(Watch* watch, InstanceFrame frame, absl::Duration now);
  int CountAnew(const discovery::InstanceName& name, uint64_t number);
  bool ShowsAtWork(const Watch& watch, const std::string& id);
  void End(Watch* watch, const absl::Status& status);
  Watch* Find(InstanceStream* stream);

  const Parts parts_;
  SharedFilters filters_{limits::kWatchedRegexesMax};

  // The thread's own.
  absl::flat_hash_map<InstanceStream*, std::unique_ptr<Watch>> watches_;
  absl::flat_hash_map<discovery::ServiceName, absl::flat_hash_set<Watch*>> by_service_;
  std::set<std::pair<absl::Duration, Watch*>> due_;  // When each one's next heartbeat is.
  ServiceLooks looks_;                               // Of this round.
  InstanceFrames frames_;                            // Likewise: equal watches share them.
  ShownCounts counts_;                               // Those that are asked for again.
  absl::Status drained_;

  std::atomic<int> streams_{0};          // Orders nothing.
  std::atomic<int64_t> shown_looks_{0};  // Orders nothing.

  HubInbox inbox_;  // At most a few tasks for each stream.
  std::thread thread_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_INSTANCE_HUB_H_

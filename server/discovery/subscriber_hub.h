#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_HUB_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_HUB_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/limits.h"
#include "discovery/filter/filter.h"
#include "discovery/names.h"
#include "server/discovery/drain_awaiter.h"
#include "server/discovery/drain_waits.h"
#include "server/discovery/hub_inbox.h"
#include "server/discovery/instance_frames.h"
#include "server/discovery/service_looks.h"
#include "server/discovery/subscriber_list.h"
#include "server/discovery/subscriber_message.h"
#include "server/discovery/subscriber_table.h"
#include "server/stream_places.h"

namespace scoutlight::server {

// A call of DiscoveryService/Subscribe as the hub sees it. Called from the hub's thread alone.
class SubscriberStream {
 public:
  virtual ~SubscriberStream() = default;

  // A SubscribeResponse: `head`, then `frame`, which may be null. SubscriberHub::OnWritten follows, and no other write before.
  virtual void Write(std::string head, InstanceFrame frame) = 0;
  // Take() follows with the next message, if the subscriber sends one.
  virtual void ReadNext() = 0;
  // The last call. OK after a goodbye.
  virtual void Finish(const absl::Status& status) = 0;
};

// Tells subscribers how the instances of their services change, as InstanceHub tells watches, and knows what each of them has confirmed, so
// that a drain can wait for them. A subscription is the snapshot that its stream was sent; the services of a stream take turns, and a slow
// subscriber gets the newest state of what changed. Frames of a step are made once, and their bytes shared by all. One thread. Memory is
// bounded by the places for streams, limits::kSubscribedServicesMax, SubscriberBounds, and one frame of 1 MiB a stream; kDrainsMax wait.
//
// While this server does not reach its store, heartbeats say only that: they have no frame. A stream gets one of them before anything else
// that it is shown then, so that nobody takes what may be old for what there is. Who has been shown nothing gets none: silence tells.
//
// Thread-safe; nothing but the destructor blocks.
class SubscriberHub final : public DrainAwaiter {
 public:
  // What the store shows may be so late without being called old: it is all the time where much is written.
  static constexpr absl::Duration kCutOffAfter = absl::Seconds(1);

  // All outlive the hub. An answer to `count_watches` may come after its end, without effect.
  struct Parts {
    std::function<std::shared_ptr<discovery::Catalog>()> catalog;  // Null while none has been read.
    Clock* clock = nullptr;
    StoreId store_id;
    std::function<uint64_t()> random;                                                            // For ids.
    std::shared_ptr<StreamPlaces> places = std::make_shared<StreamPlaces>(limits::kStreamsMax);  // Each stream takes one.
    // How many watches were shown an instance at work; from any thread. As InstanceHub::CountShown and EndCount.
    using Counted = absl::AnyInvocable<void(int) &&>;
    std::function<void(discovery::InstanceName, uint64_t number, Counted)> count_watches;
    std::function<void(uint64_t number)> end_count;
    std::function<int(const discovery::ServiceName&)> count_resolvers;
    // As Store::behind(): at kCutOffAfter and more, this server does not reach its store.
    std::function<absl::Duration()> behind = [] { return absl::ZeroDuration(); };
    SubscriberBounds bounds;
    // Other servers share the store: whoever brings a subscriber_id may come from one of them, and know any instance until it has confirmed
    // a view.
    bool shared_store = false;
  };

  explicit SubscriberHub(Parts parts);
  // Every stream and drain is over, or will not be heard of again.
  ~SubscriberHub() override;

  // From now on for limits::kSubscriberGrace no drain is complete: who subscribed before may come back.
  void Start();

  // Instances of these services have changed; empty: of any. Cheap, from any thread.
  void OnChanged(const std::vector<discovery::ServiceName>& services);

  // Takes a stream, which is called from now on, until OnClosed(). kResourceExhausted, STREAMS_FULL: it is not taken. `peer`: who it is,
  // for people. `caller`: its Identity::Caller(), whose subscribers it may take over.
  absl::Status Open(std::shared_ptr<SubscriberStream> stream, std::string peer, std::string caller);
  // The stream's next message. An error, or one that CheckMessage() refuses: the stream ends with that, and nothing of it is done.
  void Take(SubscriberStream* stream, absl::StatusOr<SubscriberMessage> message);
  void OnWritten(SubscriberStream* stream);
  void OnCancelled(SubscriberStream* stream);
  void OnClosed(SubscriberStream* stream);

  void List(SubscribersQuery query, absl::AnyInvocable<void(SubscribersPage) &&> done);

  // DrainAwaiter, for the subscribers of this server.
  absl::StatusOr<uint64_t> TakeDrainPlace() override;
  void GiveBackDrainPlace() override;
  void AwaitConfirmed(uint64_t number, DrainWait wait, DrainWaits::Done done) override;
  void EndWait(uint64_t number) override;

  // For a drain that waits on several servers: a number without a place, and DrainWaits::Follow, until EndWait(). `tell` is called on the
  // hub's thread.
  uint64_t NewDrainNumber() { return drains_begun_.fetch_add(1, std::memory_order_relaxed) + 1; }
  void FollowConfirmed(uint64_t number, DrainWait wait, DrainWaits::Tell tell);
  // Another server of the store has gone: its subscribers may come here, so nothing is complete for limits::kSubscriberGrace.
  void OnServerGone();

  // Ends all streams and waits, also those that come later. `done`, which may be null, is called on the hub's thread when all that were
  // there have been; not after the end of the hub.
  void Drain(absl::Status reason, absl::AnyInvocable<void() &&> done = nullptr);

  // As of some moment lately.
  struct Counts {
    int subscribers = 0;    // That have a stream.
    int gone = 0;           // Whose stream has ended without a goodbye.
    int subscriptions = 0;  // Services of all of them.
    int drains = 0;         // That wait.
  };
  Counts counts() const;

  // Frames made, each written to any number of streams. For tests.
  int64_t frames_made() const { return frames_.made(); }

 private:
  struct Stream;

  void Loop();
  // False: the hub ends.
  bool RunTasks();
  absl::Duration NextDue(absl::Duration now) const;
  void NoteCounts();
  void ServeHeartbeats(absl::Duration now);
  // False: there is nothing to show yet.
  bool TellCutOff(Stream* stream);
  void CountWatches(const discovery::InstanceName& name, uint64_t wait, DrainWaits::Parts::Count count);

  // Does what a message says.
  void Carry(Stream* stream, const SubscriberMessage& message);
  void Name(Stream* stream, const SubscriberMessage& message);
  void Confirm(Subscriber* subscriber, int64_t messages);

  void EnqueueService(const discovery::ServiceName& service);
  static void Enqueue(Subscription* subscription);
  // Writes the next frame of the stream, if it is free and one of its services has one.
  void ServeNext(Stream* stream);
  // Writes the next frame of this service, if there is one.
  void ServeService(Stream* stream, Subscription* subscription);
  // The lowest revision up to which everything of all services was sent; nullopt: something is to be sent.
  std::optional<Revision> SentUpTo(const Subscriber& subscriber);
  void Write(Stream* stream, std::string head, InstanceFrame frame);
  void SetDue(Stream* stream);
  // `stays`: as one that is gone.
  enum class Stays { kYes, kNo };
  void End(Stream* stream, const absl::Status& status, Stays stays);
  Stream* Find(SubscriberStream* stream) const;

  const Parts parts_;
  // At most a few tasks for each stream and drain. Shared with counts of watches that are still to come.
  const std::shared_ptr<HubInbox> inbox_ = std::make_shared<HubInbox>();
  const discovery::Filter all_;

  // The thread's own.
  absl::flat_hash_map<SubscriberStream*, std::unique_ptr<Stream>> streams_;
  absl::flat_hash_map<Subscriber*, Stream*> stream_of_;
  std::set<std::pair<absl::Duration, Stream*>> due_;  // When each one's next heartbeat is.
  DrainWaits drains_;
  SubscriberTable table_;
  ServiceLooks looks_;       // Of this round.
  InstanceFrames frames_;    // Likewise.
  bool is_cut_off_ = false;  // In this round: what there is to show may be old.
  absl::Duration assume_until_;
  absl::Status drained_;

  std::atomic<int> opened_{0};  // Streams. Orders nothing.
  // Written by the hub's thread; they order nothing.
  std::atomic<int> subscribers_{0};
  std::atomic<int> gone_{0};
  std::atomic<int> subscriptions_{0};
  std::atomic<int> drain_places_{0};       // Taken. Orders nothing.
  std::atomic<uint64_t> drains_begun_{0};  // Orders nothing.
  std::thread thread_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_HUB_H_

#ifndef SCOUTLIGHT_CLIENT_LOCATOR_LOCATOR_FEEDS_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_LOCATOR_FEEDS_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/entry.h"
#include "client/events/event_loop.h"
#include "client/locator/service_feed.h"
#include "client/locator/service_state.h"
#include "client/locator/service_watcher.h"
#include "client/locator/snapshot_file.h"
#include "client/locator/subscription.h"
#include "client/locator_options.h"

namespace scoutlight::client {

// The half of a locator that learns: follows its services by one subscription, and publishes what it is told. Once a second it looks what
// time has brought: graces and ejections that end, data that is too old, a server that stays behind, a file to be written. On the loop
// alone.
class LocatorFeeds {
 public:
  static constexpr absl::Duration kLook = absl::Seconds(1);
  // For how long a confirmation waits for picks of before an instance left.
  static constexpr absl::Duration kOldPicksWaitMax = absl::Milliseconds(100);
  // A server that says for so long, and for as many heartbeats as a silent one has, that it does not reach its store, is left for another.
  // No election of a store takes so long.
  static constexpr absl::Duration kCutOffMax = absl::Seconds(15);
  // Each one that is left like that makes the wait for the next one twice as long, so many times: where none reaches the store, it is no
  // use to go from one to the other. The first that does ends that.
  static constexpr int kPatienceDoublings = 4;
  // Between two writes of the file: when something has changed, and when nothing has but what it says is current.
  static constexpr absl::Duration kSavePause = absl::Seconds(5);
  static constexpr absl::Duration kSaveAnyway = absl::Minutes(1);

  // All are called on the loop.
  struct Events {
    std::function<void()> on_published;
    // No stream is there; OK: one is again. `refused` as Subscription::Events.
    using Refused = Subscription::Events::Refused;
    std::function<void(const absl::Status& status, Refused refused)> on_connection;
    std::function<bool(const std::string& service)> has_old_picks;
    std::function<void(Revision revision, const StoreId& store_id)> saw;
    // False: one that was given before has not been taken yet. Null: nothing is kept on disk.
    std::function<bool(SavedServices saved)> save;
  };

  // `clock` outlives this.
  LocatorFeeds(Subscription::Parts parts, const LocatorOptions& options, Clock* clock, Events events);
  ~LocatorFeeds();

  // `seed`: what was known before; null: nothing.
  void Follow(std::shared_ptr<ServiceState> state, discovery::SnapshotPtr seed);
  // Its state is published as forgotten.
  void Forget(const std::string& service);
  void Watch(const std::string& service, const std::shared_ptr<ServiceWatcher>& watcher);

  // As Subscription::Goodbye. Nothing is published any more.
  void Goodbye(EventLoop::Task done);

  // What is known now, to be kept on disk.
  SavedServices Saved() const;
  // Whether that differs from what was given to be saved last.
  bool unsaved() const { return unsaved_; }

 private:
  struct Followed {
    std::shared_ptr<ServiceState> state;
    ServiceFeed feed;
    bool too_old = false;
    bool in_step = false;  // More follows of one that has come from the store.
    std::vector<std::weak_ptr<ServiceWatcher>> watchers;
  };

  Subscription::Events SubscriptionEvents();
  absl::Status OnFrame(const std::string& service, const discovery::v1::WatchResponse& frame);
  // What a frame that was taken says of its server.
  void NoteSent(const discovery::v1::WatchResponse& frame, Followed* followed);
  void OnProgress(const discovery::v1::WatchResponse& frame);
  void OnCutOff();
  // The stream's server has said something that it has from its store now.
  void NoteSpoke();
  void OnEnd(const absl::Status& status, Subscription::Events::Refused refused);
  void Restart();
  bool MayConfirm();
  // Picks of an instance that is at work in `before` alone may be out.
  void NoteLeaving(const std::string& service, const discovery::SnapshotPtr& before, const discovery::SnapshotPtr& after);
  void Publish(Followed* followed);
  // The same, of one that has been shown something else than `before`.
  void PublishStep(const std::string& service, const discovery::SnapshotPtr& before, Followed* followed);
  // If what the stream has sent is current.
  void SetCurrent(Followed* followed);
  bool IsTooOld(const Followed& followed, absl::Duration now) const;
  void LookSoon();
  void Look();
  bool AnyHoldsOlder() const;
  // Another server may be as far as what is shown, or further.
  void LeaveWhoCannotTell(absl::Duration now);
  void SaveIfDue();

  EventLoop& loop_;
  Clock& clock_;
  const std::string cluster_;
  const absl::Duration age_max_;
  const absl::Duration replaced_store_grace_;
  const absl::Duration heartbeat_;
  const Events events_;
  std::map<std::string, std::unique_ptr<Followed>> followed_;
  bool disconnected_ = false;  // A stream has ended, and none has brought anything since.
  // When a stream last brought a part of a snapshot, or of a step of several frames that has come from the store: no heartbeat comes
  // between.
  absl::Duration sending_at_;
  // When its server last said how far its store is: one that does not reach it sends snapshots and what changes on it alone.
  std::optional<absl::Duration> spoke_at_;
  std::optional<absl::Duration> cut_off_since_;  // Its server says since then that it does not reach its store.
  Revision sent_up_to_ = 0;                      // The highest revision that it has named ...
  Revision spoke_of_ = 0;                        // ... and that of the last changes which said how far its store is.
  int left_in_vain_ = 0;                         // Servers left in a row, none of which said how far its store is.
  std::vector<std::string> leaving_;
  absl::Duration leaving_until_;
  bool unsaved_ = false;
  absl::Duration saved_at_;
  EventLoop::TimerId look_ = 0;
  Subscription subscription_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_LOCATOR_FEEDS_H_

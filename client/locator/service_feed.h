#ifndef SCOUTLIGHT_CLIENT_LOCATOR_SERVICE_FEED_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_SERVICE_FEED_H_

#include <string>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "discovery/service_snapshot.h"
#include "scoutlight/discovery/v1/discovery.pb.h"

namespace scoutlight::client {

// Makes the snapshots of one service from the frames of its subscription, over any number of streams. A step shows when it is whole: the
// first snapshot of another stream takes the place of what was there at once. When the store has been replaced (wiped, restored), those
// that took work and are not in it are kept for a while, as they were: their sessions are registering them anew. What another server of the
// same store sends is gathered, and shown only when it has come as far as what is there, or when a server that reaches the store still says
// less after kOlderMax. Not thread-safe.
class ServiceFeed {
 public:
  // Of one service, or of one step.
  static constexpr size_t kInstancesMax = 1'000'000;
  // For how long what is there is shown though a server says that its store has less. Shorter than a usual heartbeat: the second one tells.
  static constexpr absl::Duration kOlderMax = absl::Seconds(4);

  // `replaced_store_grace`: for how long they are kept.
  explicit ServiceFeed(absl::Duration replaced_store_grace) : grace_(replaced_store_grace) {}

  // What was known before: it shows until a server tells. Requires that none has.
  void Seed(discovery::SnapshotPtr snapshot) { snapshot_ = std::move(snapshot); }

  // A stream is over, or another begins, its snapshot first: what was not shown is dropped.
  void Restart();

  // Takes the next frame of the service. True: snapshot() or kept() is another, or told for the first time. kInternal: the server does not
  // keep to the order of frames, or to kInstancesMax; the stream is to be begun anew.
  absl::StatusOr<bool> Take(const discovery::v1::WatchResponse& frame, absl::Duration now);

  // Everything up to `revision` of `store_id` has been sent. True: snapshot() is another one.
  bool Reach(Revision revision, const StoreId& store_id);

  // Lets go by `now` of those kept for long enough. True: snapshot() is another one.
  bool EndGrace(absl::Duration now);

  // The stream's server last said at `spoke_at` how far its store is. Lets go of what is newer than what it sends, if it or one before has
  // been saying less for kOlderMax by then; not within a step, which may bring what is missing. True: snapshot() is another one.
  bool EndOlder(absl::Duration spoke_at);

  // Null: nothing is known.
  const discovery::SnapshotPtr& snapshot() const { return snapshot_; }
  // Whether it is a server's, not what was known before.
  bool told() const { return told_; }
  // Whether the stream has sent its snapshot, and that is shown: from then on what it sends is current.
  bool current() const { return told_ && !awaits_snapshot_ && older_ == nullptr; }
  // Whether the stream has sent what is not shown because it is older.
  bool holds_older() const { return older_ != nullptr; }
  // How many of snapshot() are kept of a store before.
  size_t kept() const { return kept_.size(); }
  const StoreId& store_id() const { return store_id_; }

 private:
  // By id; null: it has gone.
  using Pending = absl::btree_map<std::string, discovery::InstancePtr>;

  absl::Status Gather(const discovery::v1::WatchResponse& frame);
  bool Replace(const discovery::v1::WatchResponse& frame, absl::Duration now);
  // Shows what `pending_` has, as all that there is.
  bool ReplaceByPending(Revision revision);
  // What the step has brought, to what is older than what is shown.
  bool ApplyToOlder(Revision revision);
  bool ShowOlder();
  // Those of `snapshot_` that the other store, which `pending_` shows, has not.
  void Keep(absl::Duration now);
  bool Apply(Revision revision);

  const absl::Duration grace_;
  discovery::SnapshotPtr snapshot_;
  StoreId store_id_;  // Whose it is.
  bool told_ = false;
  bool awaits_snapshot_ = true;
  Revision revision_ = 0;         // Everything up to it is in `snapshot_`, as far as a server has told.
  discovery::SnapshotPtr older_;  // What the stream has sent, if that is not shown yet; null: it is.
  Revision older_revision_ = 0;
  absl::Duration older_until_ = absl::InfiniteDuration();  // Since the first server that said less; infinite: none has.
  Pending pending_;                                        // What the step has brought so far.
  absl::btree_map<std::string, absl::Duration> kept_;      // Until when.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_SERVICE_FEED_H_

#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_FOLLOWER_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_FOLLOWER_H_

#include <map>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/entry.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_mapping.h"
#include "storage/store.h"

namespace scoutlight::storage {

struct EtcdFollowerOptions {
  Clock* clock = &Clock::System();                // Outlives the follower; dates the batches.
  absl::Duration stale_after = absl::Seconds(1);  // Without a watch, or with an answer waiting, for so long: OnStale.
  absl::Duration retry_after = absl::Milliseconds(100);
};

// Shows a sink what happens to the nodes: one watch over all of them, made again behind the last batch shown whenever it breaks. Used on
// the client's thread only.
//
// The sink is called fresh again when etcd has taken the new watch; what was missed comes right behind that, unless etcd still works
// through history then. Progress is told only by etcd's notifications (every 10 minutes by default, --experimental-watch-progress-notify
// -interval): those asked for may overtake events in the releases before 3.4.31 and 3.5.13.
class EtcdFollower {
 public:
  using Task = absl::AnyInvocable<void() &&>;

  // All outlive this.
  EtcdFollower(EtcdClient& client, const EtcdMapping& mapping, EtcdFollowerOptions options);

  // A later call takes the place of the one before. `after` compacted away already: OnGap, then on from there.
  void Follow(Revision after, std::shared_ptr<Sink> sink);

  // Runs `task` once the sink has been shown everything up to `revision`: inside the call if it has, if nobody follows, or if the sink
  // has been told that it is stale. Waits no longer than stale_after, and then tells it so.
  void WhenShown(Revision revision, Task task);

  bool is_stale() const { return stale_; }
  // Not OK: it has met what no ScoutLight wrote and stays stale.
  const absl::Status& problem() const { return problem_; }
  // Nothing more will be shown: runs all that waits.
  void Close();

 private:
  void Watch();
  EtcdClient::WatchStep OnResponse(int64_t watch, const etcdserverpb::WatchResponse& response);
  void OnGap(Revision oldest);
  void OnEnd(int64_t watch);
  void SetStale();
  void SetFresh();
  void Reached(Revision revision);
  void RunWaiting(Revision up_to);

  EtcdClient& client_;
  const EtcdMapping& mapping_;
  const EtcdFollowerOptions options_;
  std::shared_ptr<Sink> sink_;
  Revision shown_ = 0;      // Everything up to here has been shown.
  int64_t watches_ = 0;     // Made so far; tells a watch and a timer whether it is still the one.
  bool connected_ = false;  // etcd has taken the watch.
  bool stale_ = false;
  absl::Status problem_;
  std::multimap<Revision, Task> waiting_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_FOLLOWER_H_

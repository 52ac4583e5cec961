#ifndef SCOUTLIGHT_CLIENT_WATCH_WATCH_LANE_H_
#define SCOUTLIGHT_CLIENT_WATCH_WATCH_LANE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/events/alarm.h"
#include "client/events/backoff.h"
#include "client/events/event_loop.h"
#include "client/events/stream.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::client {

// One WatchMany stream, opened anew whenever it ends, and the watches that live on it. Without watches there is no stream. Used on the
// loop.
class WatchLane {
 public:
  using OpenWatches = OpenStream<registry::v1::WatchManyRequest, registry::v1::WatchManyResponse>;
  // Names a watch to its owner, over all the streams that it lives through.
  using Handle = int64_t;

  // Whose watches they are.
  class Owner {
   public:
    virtual ~Owner() = default;

    // What to ask the server for.
    virtual registry::v1::WatchRequest RequestOf(Handle watch) = 0;
    // The next frame of what was asked for. May start and stop watches, and destroy the lane.
    virtual void OnFrame(Handle watch, registry::v1::WatchResponse frame) = 0;
    // No more frames of it come, because of `why`; it is asked for anew with the next stream. May not touch the lane.
    virtual void OnCutOff(Handle watch, const absl::Status& why) = 0;
  };

  struct Options {
    EventLoop* loop;  // Outlives the lane, as all of these do.
    OpenWatches open;
    std::function<double()> unit_random;
  };

  // A stream on which nothing comes for this long is given up, as long as one of its watches has had no frame at all since it was started
  // so long ago; where all have had one, for three times the shortest progress interval of those that stand, if that is more. One whose
  // state is to come (KIND_STARTED with revision 0) or comes counts for nothing until it stands: the server sends no progress meanwhile,
  // and its pages wait for those of others without a bound. Looked at each kSilenceCheck, not while paused.
  static constexpr absl::Duration kSilenceMin = absl::Seconds(30);
  static constexpr absl::Duration kSilenceCheck = absl::Seconds(5);

  // While so many messages wait for the network (all watches that a server takes of a connection may be asked for at once), no watch is
  // asked for; looked at again each kUnsentPause. What was asked for by then may still be cancelled, each once.
  static constexpr int kUnsentMax = 10'000;
  static constexpr absl::Duration kUnsentPause = absl::Milliseconds(5);

  WatchLane(const Options& options, Owner* owner);

  // Asks for `watch`, which is not on the lane, now or when there is a stream again.
  void Start(Handle watch);
  // Nothing of `watch` comes any more. Not on the lane: nothing.
  void Stop(Handle watch);
  // As Stop() for one that the server has ended.
  void Forget(Handle watch);

  // Holds back the server, and with it all watches of the lane.
  void Pause();
  void Resume();
  bool is_paused() const { return paused_ && stream_ != nullptr; }

  size_t size() const { return watches_.size(); }

 private:
  struct Standing {
    int64_t id = 0;                                           // On the stream there is; 0: not asked for.
    absl::Duration since = absl::ZeroDuration();              // When it was started on it.
    bool heard = false;                                       // A frame of it came.
    absl::Duration progress_interval = absl::ZeroDuration();  // Zero: none is to be expected yet.
  };

  void Open();
  void AskWaiting();
  void Ask(Handle watch, Standing* standing);
  void OnMessage(registry::v1::WatchManyResponse message);
  void OnEnd(const absl::Status& status);
  void CheckSilence();
  // When the stream is to be given up if nothing comes; infinite: it is not.
  absl::Duration SilentUntil() const;
  // Without watches there is nothing to open, or to keep open.
  void CloseIfEmpty();

  const Options options_;
  Owner& owner_;
  Backoff backoff_;
  Alarm reopening_;
  Alarm silence_;
  Alarm asking_;                                                                                     // For room among what is unsent.
  std::unique_ptr<Stream<registry::v1::WatchManyRequest, registry::v1::WatchManyResponse>> stream_;  // Null: none, or one is to come.
  absl::Duration opened_at_;
  absl::Duration heard_at_;
  bool paused_ = false;
  int64_t last_id_ = 0;
  std::map<Handle, Standing> watches_;
  std::set<Handle> waiting_;         // To be asked for on the stream there is.
  std::map<int64_t, Handle> by_id_;  // Of the stream there is.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WATCH_WATCH_LANE_H_

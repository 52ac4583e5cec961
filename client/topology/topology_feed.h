#ifndef SCOUTLIGHT_CLIENT_TOPOLOGY_TOPOLOGY_FEED_H_
#define SCOUTLIGHT_CLIENT_TOPOLOGY_TOPOLOGY_FEED_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "client/events/alarm.h"
#include "client/events/backoff.h"
#include "client/events/event_loop.h"
#include "client/events/stream.h"
#include "client/topology_version.h"
#include "scoutlight/topology/v1/topology.pb.h"

namespace scoutlight::client {

// The versions of one cluster's topology over all the streams that it takes to hear of them: a stream that ends, or says nothing any more,
// is followed by another, and what that begins with is only told if it is news. Used on the loop; may be destroyed where it has stopped.
class TopologyFeed {
 public:
  using OpenWatch = OpenStream<topology::v1::WatchRequest, topology::v1::WatchResponse>;

  // How often the server says something at least ...
  static constexpr absl::Duration kHeartbeat = absl::Seconds(10);
  // ... and without its word for how long a stream is kept; not looked at while paused.
  static constexpr absl::Duration kSilenceMax = absl::Seconds(30);

  struct Options {
    EventLoop* loop = nullptr;  // Outlives this, as all of these do.
    OpenWatch open;
    std::function<double()> unit_random;
    std::string cluster;
    // What is new. Version 0: there never was one. May pause the feed, not destroy it; as those below.
    std::function<void(TopologyVersion, const StoreId&)> on_version;
    // Why nothing comes for now, whenever that changes; OK: it goes on.
    std::function<void(const absl::Status&)> on_trouble;
    // Why nothing comes any more. The last.
    std::function<void(const absl::Status&)> on_end;
    // Told of the state that each frame shows.
    std::function<void(Revision, const StoreId&)> saw = [](Revision, const StoreId&) {};
  };

  explicit TopologyFeed(Options options);

  void Begin() { Open(); }
  // Holds back the server.
  void Pause();
  void Resume();

 private:
  void Open();
  void OnMessage(topology::v1::WatchResponse frame);
  void TellIfNew(topology::v1::TopologyVersion version, const StoreId& store_id);
  void OnEnd(const absl::Status& status);
  void ListenOn();
  void SetTrouble(const absl::Status& why);

  const Options options_;
  Backoff backoff_;
  Alarm reopening_;
  Alarm silence_;
  std::unique_ptr<Stream<topology::v1::WatchRequest, topology::v1::WatchResponse>> stream_;  // Null: one is to come, or it is over.
  absl::Duration opened_at_;
  bool paused_ = false;
  bool in_trouble_ = false;
  // What was told last; the revision too, since a store that was restored has other versions of the same numbers.
  struct Told {
    StoreId store_id;
    int64_t version = 0;
    Revision revision = 0;

    friend bool operator==(const Told&, const Told&) = default;
  };
  std::optional<Told> told_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_TOPOLOGY_TOPOLOGY_FEED_H_

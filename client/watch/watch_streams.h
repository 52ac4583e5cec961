#ifndef SCOUTLIGHT_CLIENT_WATCH_WATCH_STREAMS_H_
#define SCOUTLIGHT_CLIENT_WATCH_WATCH_STREAMS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "client/events/alarm.h"
#include "client/events/backoff.h"
#include "client/watch/event_buffer.h"
#include "client/watch/watch_cursor.h"
#include "client/watch/watch_lane.h"
#include "client/watch_event.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::client {

// All watches of one connection. They share one stream; each goes on by itself after what cuts it off, from where it was. A watch whose
// program does not take its events in time leaves the stream, so that it holds back nobody, and resumes when there is room. In the midst of
// the state that would mean to begin the state again and again: so then it gets a stream of its own, which is read at the program's pace,
// until the state is complete; at most kOwnStreamsMax at a time, more wait in line. While some do, one that is not read at all gives up its
// stream, and joins the line when there is room. Used on the loop; may be destroyed where it has stopped.
class WatchStreams final : private WatchLane::Owner {
 public:
  using Handle = WatchLane::Handle;

  // Of the 256 streams that a server takes of a connection.
  static constexpr int kOwnStreamsMax = 64;
  // While some wait in line, those with a stream are looked at so often: one that stands still, and of which nothing was taken since the
  // last time, gives it up.
  static constexpr absl::Duration kUnreadCheck = absl::Seconds(5);

  struct Options {
    WatchLane::Options lane;
    // Told of the state that each frame shows.
    std::function<void(Revision, const StoreId&)> saw = [](Revision, const StoreId&) {};
  };

  explicit WatchStreams(Options options);

  // Begins a watch. Its events, and its end, come into `buffer`.
  Handle Add(std::string key, WatchOptions options, std::shared_ptr<EventBuffer> buffer);
  // Nothing comes into its buffer any more. An unknown one: nothing.
  void Remove(Handle handle);
  // The buffer of `handle` has room again.
  void OnRoom(Handle handle);

 private:
  // What a watch asks for when there is room in its buffer again.
  enum class Parked { kNo, kForShared, kForOwn };

  struct Watch {
    Watch(EventLoop* loop, std::string key, WatchOptions options, std::shared_ptr<EventBuffer> into, std::function<double()> unit_random)
        : cursor(std::move(key), std::move(options)), buffer(std::move(into)), backoff(std::move(unit_random)), retry(loop) {}

    WatchCursor cursor;
    const std::shared_ptr<EventBuffer> buffer;
    Backoff backoff;
    Alarm retry;                     // Set: it was refused, and is asked for again then.
    std::unique_ptr<WatchLane> own;  // While the state comes by itself.
    std::optional<int64_t> unread;   // EventBuffer::taken() at the last look at its own stream; none: that did not stand still.
    Parked parked = Parked::kNo;     // It waits for room.
    bool in_trouble = false;
  };

  registry::v1::WatchRequest RequestOf(Handle handle) override;
  void OnFrame(Handle handle, registry::v1::WatchResponse frame) override;
  void OnCutOff(Handle handle, const absl::Status& why) override;

  void OnEnded(Handle handle, Watch* watch, const absl::Status& status);
  void OnFull(Handle handle, Watch* watch);
  // Asks for it again after a while.
  void AskLater(Handle handle, Watch* watch, const absl::Status& why);
  void GiveOwnStream(Handle handle, Watch* watch);
  void EndOwnStream(Watch* watch);
  void TakeBackUnread();
  // On the shared stream, as soon as there is room.
  void Share(Handle handle, Watch* watch);
  void SetTrouble(Watch* watch, const absl::Status& why);

  const Options options_;
  WatchLane shared_;
  Handle last_ = 0;
  int own_streams_ = 0;
  std::deque<Handle> line_;  // Who waits for a stream of its own.
  Alarm unread_check_;       // Set: the last one was less than kUnreadCheck ago.
  std::map<Handle, Watch> watches_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WATCH_WATCH_STREAMS_H_

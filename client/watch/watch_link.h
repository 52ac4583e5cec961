#ifndef SCOUTLIGHT_CLIENT_WATCH_WATCH_LINK_H_
#define SCOUTLIGHT_CLIENT_WATCH_WATCH_LINK_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "client/watch/event_buffer.h"
#include "client/watch/watch_streams.h"
#include "client/watch_event.h"
#include "client/wire/wire.h"

namespace scoutlight::client {

// One watch of a program: its buffer, and its place among the watches of the connection as long as this lives. Thread-safe.
class WatchLink {
 public:
  // `on_events` as EventBuffer::Hooks; not called any more when the destructor has returned.
  WatchLink(std::shared_ptr<Wire> wire, std::string key, WatchOptions options, std::function<void()> on_events);
  ~WatchLink();

  // Asks for the watch; once. Wrong options end it.
  void Begin();
  // Ends it with `why`, and asks the server for nothing more. Does not block. Ended already: nothing.
  void Cancel(absl::Status why);

  EventBuffer& buffer() { return *buffer_; }
  const EventBuffer& buffer() const { return *buffer_; }
  Wire& wire() { return *wire_; }

 private:
  const std::shared_ptr<Wire> wire_;  // Goes last.
  const std::string key_;
  const WatchOptions options_;
  const std::shared_ptr<WatchStreams> streams_;
  // Written and read on the loop alone; 0: not added.
  const std::shared_ptr<WatchStreams::Handle> handle_ = std::make_shared<WatchStreams::Handle>(0);
  std::shared_ptr<EventBuffer> buffer_;  // Constant.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WATCH_WATCH_LINK_H_

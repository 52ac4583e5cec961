#ifndef SCOUTLIGHT_CLIENT_WATCH_H_
#define SCOUTLIGHT_CLIENT_WATCH_H_

#include <functional>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/connection.h"
#include "client/watch_event.h"

namespace scoutlight {

// What happens in a range of keys, event by event: every change that it is about, once, in the order of revisions. It lives through
// interruptions, restarts of the server and lost data, and says so when something is missing in between (WatchEvent::Kind::kReset). All
// watches of a connection share a stream, at most 10,000 of them; one that is read slowly holds back the server for itself alone.
//
//   scoutlight::WatchReader watch(connection, "/config", {.scope = scoutlight::Scope::kSubtree, .snapshot = true});
//   while (std::optional<scoutlight::WatchEvent> event = watch.Next()) ...
//
// Thread-safe, but no thread may be in a method when it is destroyed or moved.
class WatchReader {
 public:
  // Does not block. What is wrong with `key` or `options` comes as the end.
  WatchReader(Connection connection, absl::string_view key, WatchOptions options = {});
  // Does not wait for the server.
  ~WatchReader();
  WatchReader(WatchReader&&) noexcept;
  WatchReader& operator=(WatchReader&&) noexcept;

  // The next event. Waits for it, at most for `timeout`. nullopt: none came, or the watch is over.
  std::optional<WatchEvent> Next(absl::Duration timeout = absl::InfiniteDuration());

  // Ends the watch with kCancelled, at the server too: what was read ahead can still be taken. Wakes up Next(). Does not block.
  void Cancel();

  // Why it is over: kInvalidArgument, kPermissionDenied, kUnauthenticated, kUnimplemented; kOutOfRange, a start_revision in the future;
  // with OnGap::kEnd kOutOfRange and kFailedPrecondition too. OK: it goes on, or there are events left to take.
  absl::Status status() const;
  // Why it stands still at the moment, though it goes on: kUnavailable while the server cannot be reached, kResourceExhausted while it has
  // no place for it, or while it is read slowly, and in line behind others that are. OK: it does not.
  absl::Status trouble() const;

 private:
  struct Core;

  std::unique_ptr<Core> core_;
};

// The same with callbacks. They come one at a time, on the connection's thread for callbacks: a slow one delays the program's other ones.
class Watch {
 public:
  using OnEvent = std::function<void(WatchEvent)>;
  // Once, with WatchReader::status(): no event comes after.
  using OnEnd = std::function<void(const absl::Status&)>;

  Watch(Connection connection, absl::string_view key, WatchOptions options, OnEvent on_event, OnEnd on_end = {});
  // No callback runs when it returns, but the one that calls it; waits for one that does. Does not wait for the server.
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // As WatchReader::trouble().
  absl::Status trouble() const;

 private:
  struct Core;

  const std::shared_ptr<Core> core_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_WATCH_H_

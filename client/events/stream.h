#ifndef SCOUTLIGHT_CLIENT_EVENTS_STREAM_H_
#define SCOUTLIGHT_CLIENT_EVENTS_STREAM_H_

#include <functional>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

namespace scoutlight::client {

// One stream of messages to and from a server, while it lasts; who needs a stream for longer opens the next. Everything about it, its
// events too, happens on the connection's EventLoop. Destroying it cancels it: no event comes after.
template <typename Request, typename Response>
class Stream {
 public:
  struct Events {
    // The next message is read when this has returned: a slow one holds back the server, not memory.
    absl::AnyInvocable<void(Response)> on_message;
    // The last event: why it is over, with the details of an error (base/error.h); OK: the server ended it. It may destroy the stream.
    absl::AnyInvocable<void(const absl::Status&)> on_end;
  };

  virtual ~Stream() = default;

  // Sends `request` after those before. Bounded by its caller: see unsent().
  virtual void Send(Request request) = 0;
  // Messages that the network has not taken yet, the one on its way too.
  virtual int unsent() const = 0;
  // Nothing more is sent. Messages go on coming until the server ends the stream.
  virtual void CloseSending() = 0;
  // No message is read after the one that is told at the moment or on its way already, until ResumeReading(): that holds back the server.
  virtual void PauseReading() = 0;
  virtual void ResumeReading() = 0;
  // As destroying it, which is to follow; and the next stream goes to another server, if there is one: this one says nothing any more.
  virtual void GiveUp() = 0;
};

// Opens a stream; never fails at once: what is wrong comes as on_end, later.
template <typename Request, typename Response>
using OpenStream = std::function<std::unique_ptr<Stream<Request, Response>>(typename Stream<Request, Response>::Events)>;

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_EVENTS_STREAM_H_

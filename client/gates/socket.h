#ifndef SCOUTLIGHT_CLIENT_GATES_SOCKET_H_
#define SCOUTLIGHT_CLIENT_GATES_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "topology/link_type.h"

namespace scoutlight::client {

// One request that was received: to be answered once, or dropped, which tells the asker nothing. May outlive its socket. Not thread-safe.
class Answerer {
 public:
  virtual ~Answerer() = default;

  // Does not block. OK says that the answer is on its way, not that it arrives. kFailedPrecondition: the socket is closed.
  virtual absl::Status Answer(absl::string_view body) = 0;
};

struct ReceivedMessage {
  std::string body;
  std::unique_ptr<Answerer> answerer;  // Of REP alone.
};

// Told what happens on a socket, in its threads, under none of its locks, and never inside a call of it but Close(). They do not block, and
// may call the socket; not its Close(). None is called once that has returned.
class SocketEvents {
 public:
  virtual ~SocketEvents() = default;

  // So many peers of the right protocol are connected.
  virtual void OnPeers(int peers) = 0;
  // The end of a Send(). An error gives `body` back: it was not sent. OK: a connection has taken it.
  virtual void OnSent(const absl::Status& status, std::string body) = 0;
  // The end of a Receive().
  virtual void OnReceived(absl::StatusOr<ReceivedMessage> received) = 0;
  // The end of an Ask().
  virtual void OnAnswer(uint64_t ask, absl::StatusOr<std::string> answer) = 0;
};

struct SocketOptions {
  topology::LinkType type = topology::LinkType::kPush;
  // Larger ones end the connection that they come over.
  size_t message_bytes_max = 0;
  // REQ: asks at a time. REP: requests that are unanswered at a time.
  int contexts_max = 0;
  // Messages that wait in the socket itself, of PUB for each peer, of SUB; when more come some are lost.
  int backlog_max = 0;
  // Between attempts to connect: doubling, and each drawn at random from below that.
  absl::Duration reconnect_min;
  absl::Duration reconnect_max;
  // SUB: what a message must begin with, one of these.
  std::vector<std::string> topics;
};

// One socket of a scalability protocol, over one place: it listens at one address, or dials one. What cannot be done with its type is
// kUnimplemented; after BeginClose() everything is kFailedPrecondition. Thread-safe; no method blocks, but Listen() and Close().
class Socket {
 public:
  virtual ~Socket() = default;

  // Once, unless it fails, and instead of Dial(). Answers the URL with the port that was found if port 0 was asked for.
  // kAlreadyExists: the address is taken. kInvalidArgument, kUnavailable: it cannot be bound.
  virtual absl::StatusOr<std::string> Listen(const std::string& url) = 0;
  // Once. Connects, and again whenever the connection is lost, until Close(). kInvalidArgument: the URL cannot be dialled.
  virtual absl::Status Dial(const std::string& url) = 0;

  // PUSH, PAIR, PUB. Takes `body` on success alone; then an OnSent() comes, one Send() at a time. What no connection has taken when the
  // last one is lost ends with an error. None comes of PUB, which is done at once: it is sent to those who are connected, or lost.
  virtual absl::Status Send(std::string&& body) = 0;
  // PULL, SUB, PAIR, REP: an OnReceived() comes when a message has. One at a time. While contexts_max are unanswered, none does.
  virtual absl::Status Receive() = 0;
  // REQ: an OnAnswer() with `ask` comes, at the latest after `timeout` (kDeadlineExceeded), at once when the connection is lost
  // (kUnavailable): nothing is sent again. kResourceExhausted: contexts_max are under way.
  virtual absl::Status Ask(uint64_t ask, absl::string_view body, absl::Duration timeout) = 0;

  // Whether all that was sent has been handed to the operating system, which delivers it even if this closes. True: nothing is known to the
  // contrary.
  virtual bool IsFlushed() = 0;
  // Whether no peer is connected, nor about to be, as far as is known: what such a one sends may come before OnPeers() tells of it.
  virtual bool IsAlone() = 0;
  // Nobody new connects to where this listens, as far as the transport can keep them off; who has connected before is still taken in.
  virtual void StopListening() = 0;
  // Who was in the middle of connecting when StopListening() was called may not be heard, with all that it sends, until this is called
  // once it has connected. Whether somebody has who is not known yet, or has just hung up: what such a one sends may be on its way. Costs
  // a look at all descriptors of the process, as StopListening() does.
  virtual bool TakeInNewcomers() = 0;
  // Why nobody is connected, in words for operators, as it was a moment ago at the latest; empty: not known, or somebody is. Costs a look
  // at all sockets of the process, once for those that are asked at about the same time.
  virtual std::string Problem() = 0;

  // Begins to end all connections. Events may still come. Does not block, so that many sockets close in the time of one. Idempotent.
  virtual void BeginClose() = 0;
  // Whether Close() waits for nothing but events: all is ended, or has had the time that it is given.
  virtual bool IsClosed() = 0;
  // Ends all connections, which BeginClose() may have begun, and waits for events that are being told. Idempotent. Comes before the last
  // reference goes.
  virtual void Close() = 0;
};

// Opens a socket; `events` outlives its Close().
using SocketMaker = std::function<absl::StatusOr<std::shared_ptr<Socket>>(const SocketOptions& options, SocketEvents* events)>;

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_SOCKET_H_

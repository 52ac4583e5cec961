#ifndef SCOUTLIGHT_CLIENT_GATE_H_
#define SCOUTLIGHT_CLIENT_GATE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/gate_options.h"
#include "client/gate_report.h"
#include "client/message.h"

namespace scoutlight {

namespace client {
class GateCore;
}  // namespace client

// What all gates are: the program's end of a link, whose other ends come and go without it. Opened by a Machine, which it may outlive.
// Move-only. Thread-safe, but for moving and destroying.
class Gate {
 public:
  // For Machine, as the constructors below.
  explicit Gate(std::shared_ptr<client::GateCore> core);
  Gate(Gate&&) noexcept;
  Gate& operator=(Gate&&) noexcept;
  // As Close() without time: what has not been sent is lost. Takes at most a second, however many endpoints there are: all let go at the
  // same time, and what has not by then does so by itself.
  ~Gate();

  const std::string& queue() const;
  LinkType type() const;

  // How it stands; asks the machine's thread. If there are endpoints that are not connected, costs a look at all sockets of the process, on
  // the caller's.
  GateReport Look() const;

  // Takes an endpoint that it bound out of the registry, sends what was pushed (acked: until it is confirmed), lets nobody new in, takes in
  // what is on its way here until all peers have hung up, and closes; all that within `flush_timeout` and a second. What those who have not
  // hung up by then have on its way is lost, if it is plain. Acked messages that nobody has pulled are refused, plain ones can still be
  // pulled; of PUB what its sockets keep for slow peers is lost. The second time: nothing. Not for a machine's callbacks.
  GateCloseReport Close(absl::Duration flush_timeout);

 protected:
  std::shared_ptr<client::GateCore> core_;  // Null: moved from; then nothing may be called.
};

// What is pushed here is delivered to whom operators have linked with it: PUSH to one of them, PUB to all that are connected.
class OutGate : public Gate {
 public:
  using Gate::Gate;

  // Waits for room in the queue up to `timeout`; PUB never waits. kInvalidArgument with VALUE_TOO_LARGE:
  // it is over message_bytes_max. kDeadlineExceeded: there was no room. kFailedPrecondition: the gate is closed.
  absl::Status Push(std::string body, absl::Duration timeout = absl::InfiniteDuration());
  // The same without waiting, and `body` stays as it was on error. kResourceExhausted with OVERLOADED: the queue is full.
  absl::Status TryPush(std::string&& body);
  // Pushes what has been made of `cause`, which is confirmed when `body` has been: nothing is lost if this process is killed meanwhile, and
  // what this gate is closed with unsent is refused. The sender of `cause` waits as long, so its confirm_timeout counts for both ways.
  // A gate of plain delivery: confirmed as soon as `body` is in the queue; errors also as Message::Confirm. Else as Push, and on error of
  // that `cause` stays as it was.
  absl::Status Relay(Message&& cause, std::string body, absl::Duration timeout = absl::InfiniteDuration());
};

// What is delivered to it is pulled here: PULL, each message at one of those who are linked; SUB, at all of them.
class InGate : public Gate {
 public:
  using Gate::Gate;

  // Waits up to `timeout`. kDeadlineExceeded: no message came. kFailedPrecondition: the gate is closed, and nothing is left in it.
  absl::StatusOr<Message> Pull(absl::Duration timeout = absl::InfiniteDuration());
  // The same without waiting.
  absl::StatusOr<Message> TryPull() { return Pull(absl::ZeroDuration()); }
};

// Both at once: PAIR pushes and pulls, REQ asks, REP pulls requests and answers them by Message::Reply. What is not its type's is
// kUnimplemented.
class InOutGate : public Gate {
 public:
  using Gate::Gate;

  absl::Status Push(std::string body, absl::Duration timeout = absl::InfiniteDuration());
  absl::Status TryPush(std::string&& body);
  absl::StatusOr<Message> Pull(absl::Duration timeout = absl::InfiniteDuration());
  absl::StatusOr<Message> TryPull() { return Pull(absl::ZeroDuration()); }

  // Sends a request and waits for its reply. It is sent again, to another instance if there is one, when the connection is lost or nothing
  // comes for confirm_timeout: one that is not idempotent may be carried out twice. kDeadlineExceeded: nobody has replied within `timeout`.
  // Else as Push.
  absl::StatusOr<std::string> Ask(std::string request, absl::Duration timeout);
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_GATE_H_

#ifndef SCOUTLIGHT_CLIENT_GATES_GUARDED_EVENTS_H_
#define SCOUTLIGHT_CLIENT_GATES_GUARDED_EVENTS_H_

#include <string>
#include <utility>

#include "client/gates/entrance.h"
#include "client/gates/socket.h"

namespace scoutlight::client {

// Passes events on until it is closed. Thread-safe.
class GuardedEvents final : public SocketEvents {
 public:
  explicit GuardedEvents(SocketEvents* events) : events_(*events) {}

  // None is told any more, or still being told, when this returns.
  void Close() { entrance_.Close(); }

  void OnPeers(int peers) override {
    if (const Visit visit(&entrance_); visit.ok()) events_.OnPeers(peers);
  }
  void OnSent(const absl::Status& status, std::string body) override {
    if (const Visit visit(&entrance_); visit.ok()) events_.OnSent(status, std::move(body));
  }
  void OnReceived(absl::StatusOr<ReceivedMessage> received) override {
    if (const Visit visit(&entrance_); visit.ok()) events_.OnReceived(std::move(received));
  }
  void OnAnswer(uint64_t ask, absl::StatusOr<std::string> answer) override {
    if (const Visit visit(&entrance_); visit.ok()) events_.OnAnswer(ask, std::move(answer));
  }

 private:
  SocketEvents& events_;
  Entrance entrance_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_GUARDED_EVENTS_H_

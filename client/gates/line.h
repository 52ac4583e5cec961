#ifndef SCOUTLIGHT_CLIENT_GATES_LINE_H_
#define SCOUTLIGHT_CLIENT_GATES_LINE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/gate_endpoint.h"
#include "client/gates/socket.h"

namespace scoutlight::client {

class Line;

// Who is told what happens on lines; see SocketEvents for when.
class LineUser {
 public:
  virtual ~LineUser() = default;

  virtual void OnPeers(Line* line, int peers) = 0;
  virtual void OnSent(Line* line, const absl::Status& status, std::string body) = 0;
  virtual void OnReceived(Line* line, absl::StatusOr<ReceivedMessage> received) = 0;
  virtual void OnAnswer(Line* line, uint64_t ask, absl::StatusOr<std::string> answer) = 0;
};

// One socket of a gate: it dials one endpoint, or listens at one address. A socket of its own for each, because one that dials several
// chooses by itself who gets what, and what is on its way when an endpoint is given up is lost.
class Line final : public SocketEvents, public std::enable_shared_from_this<Line> {
 public:
  // `user` outlives the socket's Close().
  static absl::StatusOr<std::shared_ptr<Line>> Open(const SocketMaker& make_socket, const SocketOptions& options, LineUser* user) {
    auto line = std::make_shared<Line>(user);
    absl::StatusOr<std::shared_ptr<Socket>> socket = make_socket(options, line.get());
    if (!socket.ok()) return socket.status();
    line->socket_ = *std::move(socket);
    return line;
  }
  explicit Line(LineUser* user) : user_(*user) {}
  ~Line() override {
    if (socket_ != nullptr) socket_->Close();
  }

  Socket& socket() { return *socket_; }

  // How many are connected.
  int peers() const { return peers_.load(std::memory_order_relaxed); }

  void OnPeers(int peers) override {
    peers_.store(peers, std::memory_order_relaxed);
    user_.OnPeers(this, peers);
  }
  void OnSent(const absl::Status& status, std::string body) override { user_.OnSent(this, status, std::move(body)); }
  void OnReceived(absl::StatusOr<ReceivedMessage> received) override { user_.OnReceived(this, std::move(received)); }
  void OnAnswer(uint64_t ask, absl::StatusOr<std::string> answer) override { user_.OnAnswer(this, ask, std::move(answer)); }

  // What its sender knows of it, by the sender's mutex.
  struct {
    int peers = 0;
    bool retired = false;  // It gets nothing new.
    bool sending = false;
    size_t sending_bytes = 0;
    bool idle = false;  // Among those that could send.
    int asks = 0;
  } to_send;
  // The same of its receiver.
  struct {
    bool receiving = false;
    bool paused = false;   // It would receive, were there room.
    bool removed = false;  // It receives nothing more.
  } to_receive;

 private:
  LineUser& user_;
  std::atomic<int> peers_ = 0;  // Orders nothing.
  std::shared_ptr<Socket> socket_;
};

using LinePtr = std::shared_ptr<Line>;

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_LINE_H_

#ifndef SCOUTLIGHT_CLIENT_GATES_GATE_TRAFFIC_H_
#define SCOUTLIGHT_CLIENT_GATES_GATE_TRAFFIC_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "client/events/event_loop.h"
#include "client/gate_counters.h"
#include "client/gate_options.h"
#include "client/gates/ask_queue.h"
#include "client/gates/line.h"
#include "client/gates/receive_queue.h"
#include "client/gates/sender.h"
#include "client/gates/socket.h"

namespace scoutlight::client {

// What flows through one gate, whatever lines it has: how its type and delivery make it send and receive. Thread-safe. Outlives its lines'
// sockets.
class GateTraffic final : public LineUser {
 public:
  // Between attempts to connect.
  static constexpr absl::Duration kReconnectMin = absl::Milliseconds(50);
  static constexpr absl::Duration kReconnectMax = absl::Seconds(1);

  // `options` are valid and have a type. `loop` outlives this. `sender` marks acked messages.
  GateTraffic(const GateOptions& options, SocketMaker make_socket, EventLoop* loop, uint64_t sender);
  // Called, from a thread of sockets, when a line has peers or has none any more. Before there is a line.
  void SetOnPeers(std::function<void()> on_peers) { on_peers_ = std::move(on_peers); }

  // A line with a socket that neither listens nor dials yet.
  absl::StatusOr<LinePtr> OpenLine() { return Line::Open(make_socket_, socket_options_, this); }
  // Begins to receive over it.
  void Start(const LinePtr& line);
  // Sends nothing new over it.
  void Retire(const LinePtr& line);
  // Its socket has closed: keeps it no longer.
  void End(const LinePtr& line);
  // Whether all that was sent over it is out of this process, and answered if it is to be; and nobody sends anything over it any more.
  bool IsDone(const LinePtr& line) const;
  // Whether a peer that nobody knows of yet may have sent something that is not to be lost.
  bool MayBeSentTo() const { return receiver_ != nullptr && socket_options_.type != LinkType::kSub; }

  // Null: the program sends nothing; receives nothing.
  Sender* sender() const { return sender_; }
  // Of REQ alone.
  AskQueue* asker() const { return options_.type == LinkType::kReq ? asker_.get() : nullptr; }
  // Of acked PUSH alone.
  AskQueue* acked() const { return options_.type == LinkType::kPush ? asker_.get() : nullptr; }
  ReceiveQueue* receiver() const { return receiver_.get(); }
  // But peers.
  GateCounters Count() const;

  void OnPeers(Line* line, int peers) override;
  void OnSent(Line* line, const absl::Status& status, std::string body) override;
  void OnReceived(Line* line, absl::StatusOr<ReceivedMessage> received) override;
  void OnAnswer(Line* line, uint64_t ask, absl::StatusOr<std::string> answer) override;

 private:
  const GateOptions options_;
  const SocketMaker make_socket_;
  const SocketOptions socket_options_;
  std::function<void()> on_peers_;
  std::unique_ptr<Sender> plain_sender_;  // PUSH, PAIR, PUB.
  std::shared_ptr<AskQueue> asker_;       // Acked PUSH, REQ.
  Sender* sender_ = nullptr;              // Either of them.
  std::shared_ptr<ReceiveQueue> receiver_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_GATE_TRAFFIC_H_

#include "client/gates/gate_traffic.h"

#include "client/gates/acked_format.h"
#include "client/gates/broadcast.h"
#include "client/gates/send_queue.h"

namespace scoutlight::client {
namespace {

// nng's own header of a request.
constexpr size_t kRequestHeaderBytes = 4;

LinkType SocketTypeOf(const GateOptions& options) {
  if (options.delivery == Delivery::kPlain) return *options.type;
  return *options.type == LinkType::kPush ? LinkType::kReq : LinkType::kRep;
}

// What comes beside a body at most.
size_t HeaderBytesMax(const GateOptions& options) {
  if (options.delivery == Delivery::kAcked) return kRequestHeaderBytes + kAckedRequestBytesMax;
  return options.type == LinkType::kReq || options.type == LinkType::kRep ? kRequestHeaderBytes : 0;
}

SocketOptions SocketOptionsOf(const GateOptions& options) {
  return {.type = SocketTypeOf(options),
          .message_bytes_max = options.message_bytes_max + HeaderBytesMax(options),
          .contexts_max = options.unconfirmed_max + 1,
          .backlog_max = options.backlog_max,
          .reconnect_min = GateTraffic::kReconnectMin,
          .reconnect_max = GateTraffic::kReconnectMax,
          .topics = options.topics};
}

}  // namespace

GateTraffic::GateTraffic(const GateOptions& options, SocketMaker make_socket, EventLoop* loop, uint64_t sender)
    : options_(options), make_socket_(std::move(make_socket)), socket_options_(SocketOptionsOf(options)) {
  const QueueBounds bounds = {.messages_max = options.messages_max, .bytes_max = options.bytes_max};
  const QueueBounds unanswered = {.messages_max = static_cast<size_t>(options.unconfirmed_max), .bytes_max = options.bytes_max};
  switch (socket_options_.type) {
    case LinkType::kPush:
      plain_sender_ = std::make_unique<SendQueue>(bounds);
      break;
    case LinkType::kPub:
      plain_sender_ = std::make_unique<Broadcast>();
      break;
    case LinkType::kReq:
      asker_ = std::make_shared<AskQueue>(AskOptions{.bounds = bounds,
                                                     .unconfirmed_max = options.unconfirmed_max,
                                                     .confirm_timeout = options.confirm_timeout,
                                                     .sender = sender,
                                                     .queue = options.queue},
                                          loop);
      break;
    case LinkType::kPull:
    case LinkType::kSub:
      receiver_ = std::make_shared<ReceiveQueue>(bounds, Answers::kNone, options.message_bytes_max);
      break;
    case LinkType::kRep:
      receiver_ = std::make_shared<ReceiveQueue>(unanswered, options.delivery == Delivery::kAcked ? Answers::kVerdicts : Answers::kReply,
                                                 options.message_bytes_max);
      break;
    case LinkType::kPair:
      plain_sender_ = std::make_unique<SendQueue>(bounds);
      receiver_ = std::make_shared<ReceiveQueue>(bounds, Answers::kNone, options.message_bytes_max);
      break;
  }
  sender_ = asker_ != nullptr ? asker_.get() : plain_sender_.get();
}

void GateTraffic::Start(const LinePtr& line) {
  if (receiver_ != nullptr) receiver_->Add(line);
}

void GateTraffic::Retire(const LinePtr& line) {
  if (sender_ != nullptr) sender_->Retire(line);
}

void GateTraffic::End(const LinePtr& line) {
  if (receiver_ != nullptr) receiver_->Remove(line);
}

bool GateTraffic::IsDone(const LinePtr& line) const {
  if (sender_ != nullptr && !(sender_->IsIdle(line) && line->socket().IsFlushed())) return false;
  // What a peer has sent is known to have come only when it has hung up.
  return !MayBeSentTo() || line->socket().IsAlone();
}

GateCounters GateTraffic::Count() const {
  GateCounters counters;
  if (sender_ != nullptr) sender_->Count(&counters);
  if (receiver_ != nullptr) receiver_->Count(&counters);
  return counters;
}

void GateTraffic::OnPeers(Line* line, int peers) {
  if (sender_ != nullptr) sender_->OnPeers(line->shared_from_this(), peers);
  on_peers_();
}

void GateTraffic::OnSent(Line* line, const absl::Status& status, std::string body) {
  sender_->OnSent(line->shared_from_this(), status, std::move(body));
}

void GateTraffic::OnReceived(Line* line, absl::StatusOr<ReceivedMessage> received) {
  receiver_->OnReceived(line->shared_from_this(), std::move(received));
}

void GateTraffic::OnAnswer(Line* line, uint64_t ask, absl::StatusOr<std::string> answer) {
  sender_->OnAnswer(line->shared_from_this(), ask, std::move(answer));
}

}  // namespace scoutlight::client

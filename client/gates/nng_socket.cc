#include "client/gates/nng_socket.h"

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <poll.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "client/events/thread_end.h"
#include "client/gates/closing_threads.h"
#include "client/gates/entrance.h"
#include "client/gates/guarded_events.h"
#include "client/gates/nng_connections.h"
#include "client/gates/nng_contexts.h"
#include "client/gates/nng_message.h"
#include "client/gates/nng_peers.h"
#include "client/gates/nng_problem.h"
#include "client/gates/nng_status.h"

namespace scoutlight::client {
namespace {

using topology::LinkType;

// How long a socket waits for nng to let go of it.
constexpr absl::Duration kCloseMax = absl::Milliseconds(900);

absl::Status Closed() { return absl::FailedPreconditionError("the socket is closed"); }

absl::Status NotDoneBy(LinkType type, absl::string_view what) {
  return absl::UnimplementedError(absl::StrCat(what, " is not what a socket of type ", topology::LinkTypeText(type), " does"));
}

int OpenOfType(LinkType type, nng_socket* socket) {
  switch (type) {
    case LinkType::kPush:
      return nng_push0_open(socket);
    case LinkType::kPull:
      return nng_pull0_open(socket);
    case LinkType::kPub:
      return nng_pub0_open(socket);
    case LinkType::kSub:
      return nng_sub0_open(socket);
    case LinkType::kReq:
      return nng_req0_open(socket);
    case LinkType::kRep:
      return nng_rep0_open(socket);
    case LinkType::kPair:
      return nng_pair0_open(socket);
  }
  return NNG_ENOTSUP;
}

// Settings of a socket that has just been opened.
int Configure(nng_socket socket, const SocketOptions& options) {
  int wrong = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, options.message_bytes_max);
  // A message that waits in a PUSH socket belongs to a connection that may be lost; in the gate's queue it belongs to none.
  if (wrong == 0 && options.type == LinkType::kPush) wrong = nng_socket_set_int(socket, NNG_OPT_SENDBUF, 0);
  if (wrong == 0 && options.type == LinkType::kPub) wrong = nng_socket_set_int(socket, NNG_OPT_SENDBUF, options.backlog_max);
  if (wrong == 0 && options.type == LinkType::kSub) wrong = nng_socket_set_int(socket, NNG_OPT_RECVBUF, options.backlog_max);
  // nng would repeat a request by itself, to whoever is connected then: who gets it next is decided by the gate.
  if (wrong == 0 && options.type == LinkType::kReq) wrong = nng_socket_set_ms(socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
  if (options.type == LinkType::kSub) {
    for (const std::string& topic : options.topics) {
      if (wrong == 0) wrong = nng_socket_set(socket, NNG_OPT_SUB_SUBSCRIBE, topic.data(), topic.size());
    }
  }
  return wrong;
}

// What the sockets of one maker have in common.
struct NngShared {
  explicit NngShared(ThreadStarter start) : closing(std::move(start)) {}

  ClosingThreads closing;
  NngProblems problems;
};

class NngSocket final : public Socket, public std::enable_shared_from_this<NngSocket> {
 public:
  NngSocket(nng_socket socket, const SocketOptions& options, SocketEvents* events, std::shared_ptr<NngShared> shared)
      : options_(options),
        events_(events),
        shared_(std::move(shared)),
        socket_(socket),
        contexts_(std::make_shared<NngContexts>(socket, options.contexts_max, &events_)) {}

  // Once, before anything else.
  absl::Status Prepare() {
    if (nng_aio_alloc(&send_aio_, &Sent, this) != 0 || nng_aio_alloc(&receive_aio_, &Received, this) != 0) {
      return absl::ResourceExhaustedError("no memory for a socket");
    }
    if (absl::Status failed = NngStatus(Configure(socket_, options_), "socket options"); !failed.ok()) return failed;
    for (const nng_pipe_ev event : {NNG_PIPE_EV_ADD_PRE, NNG_PIPE_EV_ADD_POST, NNG_PIPE_EV_REM_POST}) {
      if (absl::Status failed = NngStatus(nng_pipe_notify(socket_, event, &PipeChanged, this), "socket events"); !failed.ok())
        return failed;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Listen(const std::string& url) override {
    const Visit visit(&entrance_);
    if (!visit.ok()) return Closed();
    nng_listener listener;
    int failed = nng_listener_create(&listener, socket_, url.c_str());
    if (failed != 0) return NngStatus(failed, absl::StrCat("listening at ", url));
    failed = nng_listener_start(listener, 0);
    if (failed != 0) {
      nng_listener_close(listener);
      return NngStatus(failed, absl::StrCat("listening at ", url));
    }
    if (!absl::StartsWith(url, "tcp://")) return url;
    int port = 0;
    failed = nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port);
    if (failed != 0) return NngStatus(failed, absl::StrCat("asking for the port of ", url));
    listening_ = ListeningAddress(listener);
    return absl::StrCat(url.substr(0, url.rfind(':')), ":", port);
  }

  absl::Status Dial(const std::string& url) override {
    const Visit visit(&entrance_);
    if (!visit.ok()) return Closed();
    int failed = nng_dialer_create(&dialer_, socket_, url.c_str());
    if (failed == 0) failed = nng_dialer_set_ms(dialer_, NNG_OPT_RECONNMINT, absl::ToInt64Milliseconds(options_.reconnect_min));
    if (failed == 0) failed = nng_dialer_set_ms(dialer_, NNG_OPT_RECONNMAXT, absl::ToInt64Milliseconds(options_.reconnect_max));
    if (failed == 0) failed = nng_dialer_start(dialer_, NNG_FLAG_NONBLOCK);
    return NngStatus(failed, absl::StrCat("dialling ", url));
  }

  absl::Status Send(std::string&& body) override {
    if (options_.type != LinkType::kPush && options_.type != LinkType::kPair && options_.type != LinkType::kPub) {
      return NotDoneBy(options_.type, "sending");
    }
    const Visit visit(&entrance_);
    if (!visit.ok()) return Closed();
    NngMessagePtr message = MakeNngMessage(body);
    if (message == nullptr) return absl::ResourceExhaustedError("no memory for a message");
    if (options_.type == LinkType::kPub) {
      const int failed = nng_sendmsg(socket_, message.get(), 0);
      if (failed != 0) return NngStatus(failed, "publishing");
      static_cast<void>(message.release());
    } else {
      nng_aio_set_msg(send_aio_, message.release());
      nng_send_aio(socket_, send_aio_);
      if (peers_.count() == 0) TakeBack();
    }
    body.clear();
    return absl::OkStatus();
  }

  absl::Status Receive() override {
    if (options_.type == LinkType::kPush || options_.type == LinkType::kPub || options_.type == LinkType::kReq) {
      return NotDoneBy(options_.type, "receiving");
    }
    const Visit visit(&entrance_);
    if (!visit.ok()) return Closed();
    if (options_.type == LinkType::kRep) return contexts_->Receive();
    nng_recv_aio(socket_, receive_aio_);
    return absl::OkStatus();
  }

  absl::Status Ask(uint64_t ask, absl::string_view body, absl::Duration timeout) override {
    if (options_.type != LinkType::kReq) return NotDoneBy(options_.type, "asking");
    const Visit visit(&entrance_);
    if (!visit.ok()) return Closed();
    return contexts_->Ask(ask, body, timeout);
  }

  bool IsFlushed() override {
    if (options_.type != LinkType::kPush) return true;
    const Visit visit(&entrance_);
    if (!visit.ok() || peers_.count() == 0) return true;
    // Without a buffer of its own, a PUSH socket is writable when its connection has written what it took before.
    int descriptor = -1;
    if (nng_socket_get_int(socket_, NNG_OPT_SENDFD, &descriptor) != 0) return true;
    pollfd writable = {.fd = descriptor, .events = POLLIN, .revents = 0};
    return poll(&writable, 1, 0) == 1;
  }

  bool IsAlone() override { return peers_.IsEmpty(); }

  void StopListening() override {
    // What cannot be stopped is only waited for.
    if (listening_.has_value()) static_cast<void>(StopAccepting(*listening_));
  }
  bool TakeInNewcomers() override { return listening_.has_value() && TakeInAccepted(*listening_); }

  std::string Problem() override {
    int dialer = 0;
    {
      const Visit visit(&entrance_);
      if (visit.ok() && peers_.count() == 0) dialer = nng_dialer_id(dialer_);
    }
    // Closing does not wait for the look.
    return dialer > 0 ? shared_->problems.Of(dialer) : std::string();
  }

  void BeginClose() override {
    {
      MutexLock lock(&mu_);
      close_until_ = std::min(close_until_, Clock::System().SinceBoot() + kCloseMax);
    }
    if (!entrance_.Close()) return;
    contexts_->Close();
    // Whatever nng waits for must not hold up the program.
    shared_->closing.Run([socket = shared_from_this()] {
      socket->Free();
      socket->freed_.Tell();
    });
  }

  bool IsClosed() override { return freed_.Await(absl::ZeroDuration()) || TimeToClose() <= absl::ZeroDuration(); }

  void Close() override {
    BeginClose();
    static_cast<void>(freed_.Await(TimeToClose()));
    events_.Close();
  }

 private:
  static void Sent(void* self) { static_cast<NngSocket*>(self)->OnSent(); }
  static void Received(void* self) { static_cast<NngSocket*>(self)->OnReceived(); }
  static void PipeChanged(nng_pipe pipe, nng_pipe_ev event, void* self) {
    NngSocket& socket = *static_cast<NngSocket*>(self);
    if (!socket.peers_.Change(nng_pipe_id(pipe), event)) return;
    if (socket.peers_.count() == 0) socket.TakeBack();
    socket.TellPeers();
  }

  // Changes come from several threads; what is told last is how it is. One thread tells at a time, the others leave it to that one.
  void TellPeers() {
    {
      MutexLock lock(&mu_);
      untold_ = true;
      if (std::exchange(telling_, true)) return;
    }
    for (;;) {
      {
        MutexLock lock(&mu_);
        if (!std::exchange(untold_, false)) {
          telling_ = false;
          return;
        }
      }
      events_.OnPeers(peers_.count());
    }
  }

  // A message that no connection has taken goes back: it would wait for this peer, while others are there.
  void TakeBack() {
    if (options_.type == LinkType::kPush || options_.type == LinkType::kPair) nng_aio_cancel(send_aio_);
  }

  absl::Duration TimeToClose() const {
    MutexLock lock(&mu_);
    return close_until_ - Clock::System().SinceBoot();
  }

  void Free() {
    // Everything under way ends with NNG_ECLOSED. The socket goes before its aios: a receive of SUB that is cancelled while a message comes
    // crashes (nng issue 1523).
    static_cast<void>(nng_close(socket_));
    contexts_->Free();
    for (nng_aio* const aio : {send_aio_, receive_aio_}) {
      if (aio == nullptr) continue;
      nng_aio_wait(aio);
      TakeNngMessage(aio);
      nng_aio_free(aio);
    }
  }

  void OnSent() {
    const int failed = nng_aio_result(send_aio_);
    if (failed == 0) return events_.OnSent(absl::OkStatus(), std::string());
    const NngMessagePtr message = TakeNngMessage(send_aio_);
    events_.OnSent(NngStatus(failed, "sending"), BodyOf(message));
  }
  void OnReceived() {
    const int failed = nng_aio_result(receive_aio_);
    const NngMessagePtr message = TakeNngMessage(receive_aio_);
    if (failed != 0) return events_.OnReceived(NngStatus(failed, "receiving"));
    events_.OnReceived(ReceivedMessage{.body = BodyOf(message), .answerer = nullptr});
  }

  const SocketOptions options_;
  GuardedEvents events_;
  const std::shared_ptr<NngShared> shared_;
  const nng_socket socket_;
  nng_dialer dialer_ = NNG_DIALER_INITIALIZER;
  std::optional<TcpAddress> listening_;  // Set by Listen().
  nng_aio* send_aio_ = nullptr;
  nng_aio* receive_aio_ = nullptr;
  NngPeers peers_;
  Entrance entrance_;
  const std::shared_ptr<NngContexts> contexts_;
  ThreadEnd freed_;
  mutable Mutex mu_;
  absl::Duration close_until_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();  // Set by BeginClose().
  bool untold_ ABSL_GUARDED_BY(mu_) = false;                                    // The peers have changed since they were told.
  bool telling_ ABSL_GUARDED_BY(mu_) = false;                                   // Somebody tells of them.
};

absl::StatusOr<std::shared_ptr<Socket>> Open(const SocketOptions& options, SocketEvents* events, std::shared_ptr<NngShared> shared) {
  if (absl::Status failed = shared->closing.Prepare(); !failed.ok()) return failed;
  nng_socket opened;
  if (absl::Status failed = NngStatus(OpenOfType(options.type, &opened), "opening a socket"); !failed.ok()) return failed;
  auto socket = std::make_shared<NngSocket>(opened, options, events, std::move(shared));
  if (absl::Status failed = socket->Prepare(); !failed.ok()) {
    socket->Close();
    return failed;
  }
  return std::shared_ptr<Socket>(std::move(socket));
}

}  // namespace

SocketMaker NngSockets(ThreadStarter start) {
  return [shared = std::make_shared<NngShared>(std::move(start))](const SocketOptions& options, SocketEvents* events) {
    return Open(options, events, shared);
  };
}

}  // namespace scoutlight::client

#ifndef SCOUTLIGHT_CLIENT_GATES_NNG_CONTEXTS_H_
#define SCOUTLIGHT_CLIENT_GATES_NNG_CONTEXTS_H_

#include <nng/nng.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/gates/entrance.h"
#include "client/gates/socket.h"

namespace scoutlight::client {

// The contexts of one REQ or REP socket of nng (nng_ctx(5)): each has one request at a time. They are opened when there is need, used
// again, and go with the socket. Thread-safe.
class NngContexts : public std::enable_shared_from_this<NngContexts> {
 public:
  // `events` outlives Free().
  NngContexts(nng_socket socket, int contexts_max, SocketEvents* events) : socket_(socket), contexts_max_(contexts_max), events_(*events) {}

  // As those of Socket.
  absl::Status Ask(uint64_t ask, absl::string_view body, absl::Duration timeout);
  absl::Status Receive();

  // Nothing is begun any more. Before the socket is closed.
  void Close();
  // After that: waits for what is told of the contexts, and frees them.
  void Free();

 private:
  enum class Phase { kFree, kAsking, kAwaiting, kReceiving, kHeld, kAnswering };

  struct Context {
    NngContexts* owner;
    nng_ctx context;
    nng_aio* aio = nullptr;
    Phase phase = Phase::kFree;  // Changed by whoever has it in hand: who took it from free_, its callback, its answerer.
    uint64_t ask = 0;
    absl::Duration timeout;
  };
  class HeldRequest;

  // How long a request waits for a connection to take it; what was connected when it was asked may be gone.
  static constexpr absl::Duration kTakeTimeout = absl::Seconds(1);

  // How long an answer waits for its connection to take it. One that does not read what it asked for must not hold contexts that others
  // need; it asks again.
  static constexpr absl::Duration kAnswerTimeout = absl::Seconds(5);

  // kResourceExhausted: all are in use.
  absl::StatusOr<Context*> Take();
  // To whoever wants one next.
  void GiveBack(Context* context);
  void Receive(Context* context);

  static void Happened(void* context);
  void OnAsked(Context* context);
  void OnAnswered(Context* context);
  void OnReceived(Context* context);

  const nng_socket socket_;
  const int contexts_max_;
  SocketEvents& events_;
  Entrance entrance_;  // Of answers, which may come after the socket.
  Mutex mu_;
  std::vector<std::unique_ptr<Context>> contexts_ ABSL_GUARDED_BY(mu_);
  std::vector<Context*> free_ ABSL_GUARDED_BY(mu_);
  bool receive_waits_ ABSL_GUARDED_BY(mu_) = false;  // For a context.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_NNG_CONTEXTS_H_

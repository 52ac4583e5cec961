#ifndef SCOUTLIGHT_CLIENT_WIRE_WIRE_H_
#define SCOUTLIGHT_CLIENT_WIRE_WIRE_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "client/connection_options.h"
#include "client/events/event_loop.h"
#include "client/events/run_and_wait.h"
#include "client/events/stream.h"
#include "client/events/thread_loop.h"
#include "client/wire/live_calls.h"
#include "client/wire/random_source.h"
#include "client/wire/repetition.h"
#include "client/wire/servers.h"

namespace scoutlight::client {

template <typename Response>
class PacedReader;

struct CallOptions {
  // Of the call with its repetitions: 1 ms to kCallTimeoutMax. nullopt: the connection's.
  std::optional<absl::Duration> timeout = std::nullopt;
  Repeatable repeatable = Repeatable::kRead;
  // Of one try. nullopt: as long as the call, or half of what is left if there are several servers or the call waits for a revision.
  std::optional<absl::Duration> try_timeout = std::nullopt;
};

// Drains wait for up to 20 min.
inline constexpr absl::Duration kCallTimeoutMax = absl::Minutes(30);

// What a Connection shares: the channels, the stubs, the two threads, what is known of the store. Whoever uses it holds the shared_ptr, so
// it goes when the last of them does; no gRPC thread does. Thread-safe.
class Wire {
 public:
  // `options` are valid.
  explicit Wire(ConnectionOptions options);
  // Everything that was opened is destroyed. Takes at most kCloseTimeMax each for a callback of the program's that runs, for the loop, and
  // for what gRPC still has to end; may run in a callback.
  ~Wire();

  static constexpr absl::Duration kCloseTimeMax = absl::Milliseconds(300);

  // Of a call that says nothing of its own.
  absl::Duration timeout() const { return timeout_; }

  // Where streams live, and what uses them.
  EventLoop& loop() { return *loop_; }
  // Where the program's callbacks run, one at a time: see CallbackGate.
  EventLoop& callbacks() { return *callbacks_; }

  // Draws from [0, 1). Thread-safe; valid as long as the Wire.
  std::function<double()> unit_random() {
    return [this] { return random_.Unit(); };
  }
  // Draws 128 bits, as 32 hexadecimal digits: for ids that nobody else has.
  std::string NewId() { return random_.Hex128(); }
  // Names a request so that it is safe to repeat; each call gives another one.
  std::string NewRequestId() { return random_.RequestId(); }

  // Calls `method`, a stub's blocking one, in the caller's thread, and repeats it as `options` allow, each time of the server that is
  // believed to answer. Not to be called on loop(). A request that has a `min_revision` gets min_revision() if it has none, a mutating one
  // brings its `request_id`. The answer's revision and store are noted. Errors: the last try's, or what Repetition::OutcomeOf makes of it,
  // as status_conversion.h makes them; kInvalidArgument: a timeout outside its bounds.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request,
                                const CallOptions& options = {}) {
    constexpr bool kAsksForRevision = requires { request.set_min_revision(0); };
    [[maybe_unused]] bool revision_given = false;
    if constexpr (kAsksForRevision) revision_given = request.min_revision() != 0;
    Response response;
    const auto attempt = [&](const WireServer& server, grpc::ClientContext* context) {
      if constexpr (kAsksForRevision) {
        if (!revision_given) request.set_min_revision(min_revision());
      }
      response.Clear();
      return (server.stub<Stub>().*method)(context, request, &response);
    };
    const Asks asks = kAsksForRevision && !revision_given ? Asks::kForRevision : Asks::kForNothing;
    if (absl::Status failed = RunTries(options, asks, attempt); !failed.ok()) return failed;
    if constexpr (requires { response.store_id(); }) Saw(response.revision(), response.store_id());
    return response;
  }

  // Opens of a stream on loop(), to the server that is believed to answer. Valid as long as the Wire. Messages that come are not looked at:
  // who gets them calls Saw().
  OpenStream<registry::v1::WatchManyRequest, registry::v1::WatchManyResponse> watch_streams();
  OpenStream<registry::v1::KeepAliveRequest, registry::v1::KeepAliveResponse> keep_alive_streams();
  OpenStream<discovery::v1::SessionRequest, discovery::v1::SessionResponse> session_streams();
  OpenStream<discovery::v1::SubscribeRequest, discovery::v1::SubscribeResponse> subscribe_streams();
  // Of a method that takes one request: send that, and CloseSending().
  OpenStream<topology::v1::WatchRequest, topology::v1::WatchResponse> topology_watches();

  // Calls Backup of the server that is believed to answer, which the caller's thread reads. Not repeated. Valid as long as the Wire.
  std::unique_ptr<PacedReader<admin::v1::BackupResponse>> ReadBackup();

  // Notes what an answer showed. Zero and empty: it showed nothing.
  void Saw(Revision revision, const StoreId& store_id);
  // The same from the details of an error.
  void SawError(const absl::Status& status);
  // The highest revision noted, of the store that answered last; 0: none.
  Revision min_revision() const;
  StoreId store_id() const;

  // What all users of the connection share of a kind, `T`: made by `make` if there is none, and destroyed on loop() with the last that
  // holds it. `make` is not called on loop(). Each holder holds the Wire for longer.
  template <typename T>
  std::shared_ptr<T> Part(absl::FunctionRef<std::unique_ptr<T>()> make) {
    MutexLock lock(&parts_mu_);
    std::weak_ptr<void>& kept = parts_[std::type_index(typeid(T))];
    if (std::shared_ptr<void> there = kept.lock()) return std::static_pointer_cast<T>(there);
    std::shared_ptr<T> made(make().release(), [loop = loop_](T* part) {
      // With a loop that has stopped, it goes with the task.
      RunAndWait(loop.get(), [owned = std::unique_ptr<T>(part)]() mutable { owned.reset(); });
    });
    kept = made;
    return made;
  }

 private:
  enum class Asks { kForRevision, kForNothing };
  using Attempt = absl::FunctionRef<grpc::Status(const WireServer&, grpc::ClientContext*)>;

  absl::Status RunTries(const CallOptions& options, Asks asks, Attempt attempt);
  absl::Status RunTry(absl::Duration timeout, Attempt attempt);
  // Learns which store it is now: after a wipe the revision that calls ask for would never come.
  void LookAtStore(absl::Duration timeout);

  template <typename Request, typename Response, typename Open>
  OpenStream<Request, Response> StreamsOf(Open open);

  const absl::Duration timeout_;
  // Shared with the streams that gRPC has not ended yet, which outlive the Wire if they hang.
  const std::shared_ptr<Servers> servers_;
  const std::shared_ptr<LiveCalls> live_calls_ = std::make_shared<LiveCalls>();
  const std::shared_ptr<ThreadLoop> loop_ = std::make_shared<ThreadLoop>();
  const std::shared_ptr<ThreadLoop> callbacks_ = std::make_shared<ThreadLoop>();
  RandomSource random_;
  Mutex parts_mu_;  // Held while a part is made.
  std::unordered_map<std::type_index, std::weak_ptr<void>> parts_ ABSL_GUARDED_BY(parts_mu_);
  mutable Mutex mu_;
  Revision revision_ ABSL_GUARDED_BY(mu_) = 0;
  StoreId store_id_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_WIRE_H_

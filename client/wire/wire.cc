#include "client/wire/wire.h"

#include <grpc/grpc.h>
#include <grpcpp/generic/generic_stub.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/error.h"
#include "client/wire/bidi_stream.h"
#include "client/wire/paced_reader.h"
#include "client/wire/status_conversion.h"

namespace scoutlight::client {
namespace {

constexpr absl::Duration kCallTimeoutMin = absl::Milliseconds(1);
constexpr absl::Duration kLookTimeoutMax = absl::Seconds(1);
// How exact it is told how long was waited: less of a timeout that is left is none.
constexpr absl::Duration kToldStep = absl::Milliseconds(10);

// Never undone: the last one out would wait in gRPC 1.51 for up to 10 s (grpc issue 41050).
void KeepGrpc() {
  [[maybe_unused]] static const bool kept = [] {
    grpc_init();
    return true;
  }();
}

absl::Duration Now() { return Clock::System().SinceBoot(); }

// gRPC says of silence only its code. `waited` may be less than `timeout`: a connection that nobody answers is given up before.
absl::Status Told(const absl::Status& outcome, absl::Duration waited, absl::Duration timeout) {
  if (outcome.code() != absl::StatusCode::kDeadlineExceeded || ReasonOf(outcome) != Reason::kUnspecified) return outcome;
  return absl::DeadlineExceededError(
      absl::StrCat("no answer within ", absl::FormatDuration(std::min(absl::Ceil(waited, kToldStep), timeout))));
}

ConnectionOptions WithGrpcKept(ConnectionOptions options) {
  KeepGrpc();
  return options;
}

}  // namespace

Wire::Wire(ConnectionOptions options) : timeout_(options.timeout), servers_(std::make_shared<Servers>(WithGrpcKept(std::move(options)))) {}

Wire::~Wire() {
  callbacks_->Stop(kCloseTimeMax);
  loop_->Stop(kCloseTimeMax);
  live_calls_->AwaitNone(kCloseTimeMax);
}

absl::Status Wire::RunTries(const CallOptions& options, Asks asks, Attempt attempt) {
  const absl::Duration timeout = options.timeout.value_or(timeout_);
  if (timeout < kCallTimeoutMin || timeout > kCallTimeoutMax) {
    return InvalidField(Reason::kInvalidField, "timeout",
                        absl::StrCat("must be ", absl::FormatDuration(kCallTimeoutMin), " to ", absl::FormatDuration(kCallTimeoutMax),
                                     ", is ", absl::FormatDuration(timeout)));
  }
  Repetition repetition(options.repeatable, timeout, unit_random());
  const absl::Duration start = Now();
  const bool shares =
      options.repeatable != Repeatable::kNever && (servers_->size() > 1 || (asks == Asks::kForRevision && min_revision() > 0));
  for (;;) {
    const absl::Duration left = timeout - (Now() - start);
    const absl::Duration whole = shares ? std::max(left / 2, Repetition::kTellingTryMin) : left;
    const absl::Duration try_timeout = std::min(options.try_timeout.value_or(whole), left);
    const absl::Status status = RunTry(try_timeout, attempt);
    if (status.ok()) return status;
    if (asks == Asks::kForRevision && IsServerGone(status)) LookAtStore(std::min(kLookTimeoutMax, timeout - (Now() - start)));
    const absl::Duration waited = Now() - start;
    const std::optional<absl::Duration> pause = repetition.After(status, waited);
    if (!pause.has_value()) return Told(repetition.OutcomeOf(status, try_timeout), waited, timeout);
    absl::SleepFor(*pause);
  }
}

absl::Status Wire::RunTry(absl::Duration timeout, Attempt attempt) {
  const size_t server = servers_->current();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout));
  absl::Status status = StatusOf(attempt(*servers_->at(server), &context));
  if (status.ok()) return status;
  SawError(status);
  // A program that has little time says nothing of the server by that.
  const bool had_time = status.code() != absl::StatusCode::kDeadlineExceeded || timeout >= Repetition::kTellingTryMin;
  if (IsServerGone(status) && had_time) servers_->MoveOnFrom(server);
  return status;
}

void Wire::LookAtStore(absl::Duration timeout) {
  if (min_revision() == 0 || timeout < kCallTimeoutMin) return;
  registry::v1::ListRequest request;
  request.set_parent("/");
  request.set_keys_only(true);
  request.set_page_size(1);
  registry::v1::ListResponse response;
  const absl::Status status = RunTry(timeout, [&](const WireServer& server, grpc::ClientContext* context) {
    return server.stub<registry::v1::RegistryService::Stub>().List(context, request, &response);
  });
  if (status.ok()) Saw(response.revision(), response.store_id());
}

template <typename Request, typename Response, typename Open>
OpenStream<Request, Response> Wire::StreamsOf(Open open) {
  return [this, open](typename Stream<Request, Response>::Events events) -> std::unique_ptr<Stream<Request, Response>> {
    const size_t number = servers_->current();
    const std::shared_ptr<const WireServer> server = servers_->at(number);
    const auto note_end = [servers = servers_, number, server](const absl::Status& status, Failed how) {
      if (how == Failed::kSilent) servers->Reconnect(number, server);
      if (IsServerGone(status)) servers->MoveOnFrom(number);
    };
    auto call = std::make_shared<BidiCall<Request, Response>>(loop_, live_calls_, std::move(events), note_end);
    call->Begin(
        call, [&](grpc::ClientContext* context, grpc::ClientBidiReactor<Request, Response>* reactor) { open(*server, context, reactor); });
    return std::make_unique<BidiStream<Request, Response>>(std::move(call));
  };
}

OpenStream<registry::v1::WatchManyRequest, registry::v1::WatchManyResponse> Wire::watch_streams() {
  return StreamsOf<registry::v1::WatchManyRequest, registry::v1::WatchManyResponse>(
      [](const WireServer& server, grpc::ClientContext* context, auto* reactor) {
        server.stub<registry::v1::RegistryService::Stub>().async()->WatchMany(context, reactor);
      });
}

OpenStream<registry::v1::KeepAliveRequest, registry::v1::KeepAliveResponse> Wire::keep_alive_streams() {
  return StreamsOf<registry::v1::KeepAliveRequest, registry::v1::KeepAliveResponse>(
      [](const WireServer& server, grpc::ClientContext* context, auto* reactor) {
        server.stub<registry::v1::LeaseService::Stub>().async()->KeepAlive(context, reactor);
      });
}

OpenStream<discovery::v1::SessionRequest, discovery::v1::SessionResponse> Wire::session_streams() {
  return StreamsOf<discovery::v1::SessionRequest, discovery::v1::SessionResponse>(
      [](const WireServer& server, grpc::ClientContext* context, auto* reactor) {
        server.stub<discovery::v1::RegistrationService::Stub>().async()->Session(context, reactor);
      });
}

OpenStream<discovery::v1::SubscribeRequest, discovery::v1::SubscribeResponse> Wire::subscribe_streams() {
  return StreamsOf<discovery::v1::SubscribeRequest, discovery::v1::SubscribeResponse>(
      [](const WireServer& server, grpc::ClientContext* context, auto* reactor) {
        server.stub<discovery::v1::DiscoveryService::Stub>().async()->Subscribe(context, reactor);
      });
}

OpenStream<topology::v1::WatchRequest, topology::v1::WatchResponse> Wire::topology_watches() {
  using Request = topology::v1::WatchRequest;
  using Response = topology::v1::WatchResponse;
  // On the wire one request is a stream of one: so streams of both kinds are the same here.
  return StreamsOf<Request, Response>([](const WireServer& server, grpc::ClientContext* context, auto* reactor) {
    grpc::TemplatedGenericStub<Request, Response>(server.channel())
        .PrepareBidiStreamingCall(context, "/scoutlight.topology.v1.TopologyService/Watch", {}, reactor);
  });
}

std::unique_ptr<PacedReader<admin::v1::BackupResponse>> Wire::ReadBackup() {
  const std::shared_ptr<const WireServer> server = servers_->at(servers_->current());
  // Which gRPC sends before this returns.
  const admin::v1::BackupRequest request;
  return std::make_unique<PacedReader<admin::v1::BackupResponse>>(
      live_calls_, [&](grpc::ClientContext* context, grpc::ClientReadReactor<admin::v1::BackupResponse>* reactor) {
        server->stub<admin::v1::AdminService::Stub>().async()->Backup(context, &request, reactor);
      });
}

void Wire::Saw(Revision revision, const StoreId& store_id) {
  if (store_id.empty()) return;
  MutexLock lock(&mu_);
  if (store_id == store_id_) {
    revision_ = std::max(revision_, revision);
    return;
  }
  // The store was replaced: revisions of the one before say nothing of it.
  store_id_ = store_id;
  revision_ = revision;
}

void Wire::SawError(const absl::Status& status) {
  const ErrorState state = StateOf(status);
  Saw(state.revision, state.store_id);
}

Revision Wire::min_revision() const {
  MutexLock lock(&mu_);
  return revision_;
}

StoreId Wire::store_id() const {
  MutexLock lock(&mu_);
  return store_id_;
}

}  // namespace scoutlight::client

#include "client/http/http_core.h"

#include <optional>
#include <utility>

#include "client/http/curl_transport.h"
#include "client/http/request_check.h"

namespace scoutlight::client {
namespace {

HttpClientOptions WithPolicy(HttpClientOptions options) {
  if (options.retry_policy == nullptr) options.retry_policy = std::make_shared<DefaultHttpRetryPolicy>();
  return options;
}

HttpTransportMaker MakerOf(const HttpClientOptions& options) {
  if (options.transport != nullptr) return options.transport;
  auto settings = std::make_shared<const CurlSettings>(CurlSettings{.idle_connections_max = options.idle_connections_max,
                                                                    .idle_timeout = options.idle_timeout,
                                                                    .version = options.version,
                                                                    .proxies = options.proxies,
                                                                    .tls = options.tls});
  return [settings = std::move(settings)] { return CurlTransport::Make(settings); };
}

}  // namespace

HttpCore::Shared::Shared(Parts given, HttpClientOptions options)
    : budget(options.retry_budget, given.clock->SinceBoot()), in_flight(options.calls_in_flight_max) {
  parts.options = WithPolicy(std::move(options));
  parts.budget = &budget;
  parts.unit_random = std::move(given.unit_random);
  parts.pick = [this, pick = std::move(given.pick)](absl::string_view service, const ResolveOptions& resolve,
                                                    const PickOptions& pick_options) -> absl::StatusOr<Pick> {
    if (in_flight.is_closed()) return absl::CancelledError("the client is gone");
    return pick(service, resolve, pick_options);
  };
}

HttpCore::HttpCore(Parts parts, HttpClientOptions options)
    : clock_(*parts.clock),
      shared_(std::make_shared<Shared>(std::move(parts), std::move(options))),
      maker_(MakerOf(shared_->parts.options)),
      callers_(maker_, &clock_, kHttpCallersKept) {}

absl::Status HttpCore::Admit(HttpRequest* request) {
  if (absl::Status wrong = CheckRequest(request); !wrong.ok()) return wrong;
  return shared_->in_flight.Begin();
}

absl::StatusOr<HttpResponse> HttpCore::Call(HttpRequest&& request) {
  if (absl::Status refused = Admit(&request); !refused.ok()) return refused;
  absl::StatusOr<std::unique_ptr<CallerLanes::CallerLane>> taken = callers_.Take();
  if (!taken.ok()) {
    shared_->in_flight.End();
    return taken.status();
  }
  Lane& lane = *(*taken)->lane;
  std::optional<absl::StatusOr<HttpResponse>> result;
  const auto call = MakeCall(&lane, std::move(request), [&result](absl::StatusOr<HttpResponse>&& given) { result = std::move(given); });
  (*taken)->call = call.get();
  call->Begin();
  lane.DriveUntil([&result] { return result.has_value(); });
  callers_.GiveBack(*std::move(taken));
  shared_->in_flight.End();
  return *std::move(result);
}

std::shared_ptr<RunningCall> HttpCore::MakeCall(Lane* lane, HttpRequest&& request, RunningCall::Done done) const {
  std::shared_ptr<const CallParts> parts(shared_, &shared_->parts);
  return std::make_shared<RunningCall>(std::move(parts), lane, std::move(request), std::move(done));
}

absl::Status HttpCore::MakeStarted() {
  {
    MutexLock lock(&mu_);
    if (started_ != nullptr) return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<HttpTransport>> transport = maker_();
  if (!transport.ok()) return transport.status();
  MutexLock lock(&mu_);
  // Another thread was faster, or has closed it meanwhile.
  if (started_ != nullptr || shared_->in_flight.is_closed()) return absl::OkStatus();
  callbacks_ = std::make_shared<ThreadLoop>();
  started_ = std::make_unique<StartedCalls>(std::make_unique<Lane>(*std::move(transport), &clock_));
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<StartedCall>> HttpCore::Start(HttpRequest&& request,
                                                             absl::AnyInvocable<void(absl::StatusOr<HttpResponse>) &&> done) {
  if (absl::Status refused = Admit(&request); !refused.ok()) return refused;
  absl::Status made = MakeStarted();
  MutexLock lock(&mu_);
  if (made.ok() && started_ == nullptr) made = absl::CancelledError("the client is gone");
  if (!made.ok()) {
    shared_->in_flight.End();
    return made;
  }
  const std::shared_ptr<StartedCalls::Loop>& loop = started_->loop();
  auto self = std::make_shared<std::weak_ptr<RunningCall>>();
  auto tell = [loop = loop.get(), self, callbacks = callbacks_, shared = shared_,
               done = std::move(done)](absl::StatusOr<HttpResponse>&& result) mutable {
    loop->Remove(self->lock());
    // The thread goes with the last callback, if the client has gone before.
    callbacks->Post([callbacks, shared, done = std::move(done), result = std::move(result)]() mutable {
      std::move(done)(std::move(result));
      shared->in_flight.End();
    });
  };
  const auto call = MakeCall(&loop->lane(), std::move(request), std::move(tell));
  *self = call;
  // Under the lock, so that it comes before what ends the loop.
  loop->lane().Post([loop = loop.get(), call] {
    loop->Add(call);
    call->Begin();
  });
  return std::make_shared<StartedCall>(loop, call);
}

void HttpCore::Close() {
  if (!shared_->in_flight.Close()) return;
  callers_.Close();
  std::unique_ptr<StartedCalls> started;
  std::shared_ptr<ThreadLoop> callbacks;
  {
    MutexLock lock(&mu_);
    started = std::move(started_);
    callbacks = std::move(callbacks_);
  }
  started = nullptr;
  // A callback that closes counts as a call.
  if (callbacks == nullptr || !callbacks->IsRunningTask()) shared_->in_flight.AwaitNone(kCloseTimeMax);
}

}  // namespace scoutlight::client

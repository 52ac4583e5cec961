#ifndef SCOUTLIGHT_CLIENT_HTTP_HTTP_CORE_H_
#define SCOUTLIGHT_CLIENT_HTTP_HTTP_CORE_H_

#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "client/events/thread_loop.h"
#include "client/http/caller_lanes.h"
#include "client/http/in_flight_calls.h"
#include "client/http/retry_budget.h"
#include "client/http/running_call.h"
#include "client/http/started_calls.h"
#include "client/http_client_options.h"
#include "client/http_request.h"

namespace scoutlight::client {

// An HttpClient without a locator. Shared by calls that outlive it. Thread-safe.
class HttpCore {
 public:
  static constexpr absl::Duration kCloseTimeMax = absl::Seconds(1);

  struct Parts {
    PickOne pick;
    Clock* clock = nullptr;  // Outlives everything.
    std::function<double()> unit_random;
  };

  // `options` are valid.
  HttpCore(Parts parts, HttpClientOptions options);
  ~HttpCore() { Close(); }

  // See HttpClient.
  absl::StatusOr<HttpResponse> Call(HttpRequest&& request);
  absl::StatusOr<std::shared_ptr<StartedCall>> Start(HttpRequest&& request, absl::AnyInvocable<void(absl::StatusOr<HttpResponse>) &&> done);
  // Cancels all calls; takes no more than StartedCalls::kStopTimeMax, and kCloseTimeMax for callers and callbacks, for which it does not
  // wait in a callback. From one thread; idempotent.
  void Close();

 private:
  // What calls that are under way need, those too that outlive the core.
  struct Shared {
    Shared(Parts given, HttpClientOptions options);

    RetryBudget budget;
    CallParts parts;
    InFlightCalls in_flight;
  };

  absl::Status Admit(HttpRequest* request);
  std::shared_ptr<RunningCall> MakeCall(Lane* lane, HttpRequest&& request, RunningCall::Done done) const;
  // Makes `started_` and `callbacks_`, if they are not there and this is not closed.
  absl::Status MakeStarted() ABSL_LOCKS_EXCLUDED(mu_);

  Clock& clock_;
  const std::shared_ptr<Shared> shared_;
  const HttpTransportMaker maker_;
  CallerLanes callers_;
  Mutex mu_;  // Before those of InFlightCalls and of a Lane.
  std::unique_ptr<StartedCalls> started_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<ThreadLoop> callbacks_ ABSL_GUARDED_BY(mu_);  // Shared with the callbacks that have not run.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_HTTP_CORE_H_

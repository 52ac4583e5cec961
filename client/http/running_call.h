#ifndef SCOUTLIGHT_CLIENT_HTTP_RUNNING_CALL_H_
#define SCOUTLIGHT_CLIENT_HTTP_RUNNING_CALL_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/http/lane.h"
#include "client/http/live_attempt.h"
#include "client/http/retry_budget.h"
#include "client/http/tapped_source.h"
#include "client/http_client_options.h"
#include "client/http_request.h"
#include "client/pick.h"

namespace scoutlight::client {

// Picks an instance of a service; never waits.
using PickOne = std::function<absl::StatusOr<Pick>(absl::string_view service, const ResolveOptions& options, const PickOptions& pick)>;

// What all calls of a client share. Constant, and thread-safe.
struct CallParts {
  PickOne pick;
  HttpClientOptions options;  // With a retry policy.
  RetryBudget* budget = nullptr;
  std::function<double()> unit_random;  // From [0, 1).
};

// One call with its attempts: picks, begins, judges, repeats. Everything happens on its lane, so it needs no lock. Attempts are at most
// attempts_max and hedges_max; timers at most four. Held by whoever drives the lane until it is over.
class RunningCall final : public std::enable_shared_from_this<RunningCall>, public AttemptOwner {
 public:
  // Told once: in Begin(), in Cancel(), or while the lane is driven.
  using Done = absl::AnyInvocable<void(absl::StatusOr<HttpResponse>&&) &&>;

  // `request` has passed CheckRequest. `lane` outlives it.
  RunningCall(std::shared_ptr<const CallParts> parts, Lane* lane, HttpRequest&& request, Done done);

  void Begin();
  // Ends with `why`. Over already: nothing.
  void Cancel(const absl::Status& why) { Finish(why); }
  void Resume();

 private:
  enum class Kind { kFirst, kRetry, kHedge };

  void BeginAttempt(Kind kind);
  absl::StatusOr<Pick> NextPick(Kind kind) const;
  void OnNoPick(Kind kind, const absl::Status& why);
  void BeginExchange(Pick pick, std::string url);
  void ScheduleHedge();
  bool MayHedge() const;

  Take OnHead(LiveAttempt* attempt, int status, HttpHeaders headers) override;
  Take OnBody(LiveAttempt* attempt, absl::string_view bytes) override;
  void OnEnd(LiveAttempt* attempt, const HttpExchangeEnd& end) override;
  // Keeps it: the others are dropped.
  Take Win(LiveAttempt* attempt);
  void DropLosers();
  Take Stop(LiveAttempt* attempt, absl::Status own_error);
  void OnAttemptTimeout(LiveAttempt* attempt);
  void OnTimeout();
  std::unique_ptr<LiveAttempt> TakeLive(LiveAttempt* attempt);
  // Tells the instance's calls whether it has failed.
  void Judge(LiveAttempt* attempt);
  void OnFailed(LiveAttempt* attempt);
  // After how long there is another attempt, which is granted then; nullopt: there is none.
  std::optional<absl::Duration> Grant(const HttpAttemptResult& result);
  void Retry(absl::Duration delay);
  // What the winner has answered, but for its body.
  HttpResponse HeadOf(const LiveAttempt& attempt, HttpHeaders headers) const;
  absl::Status ErrorOf(const LiveAttempt& attempt) const;
  size_t bytes_max() const { return request_.response_bytes_max.value_or(parts_.options.response_bytes_max); }
  void Finish(absl::StatusOr<HttpResponse>&& result);

  const std::shared_ptr<const CallParts> kept_parts_;
  const CallParts& parts_;
  Lane& lane_;
  const HttpRequest request_;
  const bool idempotent_;
  std::unique_ptr<const ResolveOptions> own_resolve_;  // With the request's endpoint; null: it names none.
  const ResolveOptions* resolve_;
  TappedSource source_;
  Done done_;
  bool over_ = false;
  std::optional<absl::Duration> resolve_by_;  // Nothing was known of the service yet.
  absl::Duration resolve_poll_;
  absl::InlinedVector<Pick, 2> tried_;
  absl::InlinedVector<std::unique_ptr<LiveAttempt>, 2> live_;
  LiveAttempt* winner_ = nullptr;  // Of `live_`, whose response it is.
  std::string body_;               // The winner's, so far.
  bool sink_begun_ = false;
  int tries_ = 0;  // Without hedges.
  int hedges_ = 0;
  absl::Status last_error_;  // Of the attempt before.
  Lane::TimerId timeout_timer_;
  Lane::TimerId next_timer_;  // Until the first pick, or the next attempt.
  Lane::TimerId hedge_timer_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_RUNNING_CALL_H_

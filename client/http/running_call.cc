#include "client/http/running_call.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/http/request_check.h"
#include "client/http/service_url.h"

namespace scoutlight::client {
namespace {

// How often it is asked whether something is known of a service by now.
constexpr absl::Duration kResolvePollMin = absl::Milliseconds(1);
constexpr absl::Duration kResolvePollMax = absl::Milliseconds(50);

absl::Status NoEndpoint(const Pick& pick, absl::string_view selector) {
  ErrorDetails details;
  details.reason = Reason::kNoneMatches;
  const discovery::InstanceName& name = pick.instance().name;
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("endpoint: ", name.service, "/", name.id, " has none that is http or https",
                                selector.empty() ? "" : absl::StrCat(" by \"", selector, "\"")),
                   details);
}

// Where a request to `pick` goes.
absl::StatusOr<std::string> UrlOf(const Pick& pick, absl::string_view selector, absl::string_view target) {
  const discovery::Endpoint* const endpoint = pick.endpoint();
  if (endpoint != nullptr && IsHttp(*endpoint)) return UrlAt(endpoint->url, target);
  if (!selector.empty()) return NoEndpoint(pick, selector);
  const std::optional<discovery::Endpoint> other = FirstHttpEndpoint(pick.instance().properties);
  if (!other.has_value()) return NoEndpoint(pick, selector);
  return UrlAt(other->url, target);
}

}  // namespace

RunningCall::RunningCall(std::shared_ptr<const CallParts> parts, Lane* lane, HttpRequest&& request, Done done)
    : kept_parts_(std::move(parts)),
      parts_(*kept_parts_),
      lane_(*lane),
      request_(std::move(request)),
      idempotent_(request_.idempotent || IsIdempotent(request_.method)),
      resolve_(request_.resolve.has_value() ? &*request_.resolve : &parts_.options.resolve),
      source_(request_.source),
      done_(std::move(done)),
      resolve_poll_(kResolvePollMin) {
  if (request_.endpoint.empty()) return;
  auto own_resolve = std::make_unique<ResolveOptions>(*resolve_);
  own_resolve->endpoint = request_.endpoint;
  own_resolve_ = std::move(own_resolve);
  resolve_ = own_resolve_.get();
}

void RunningCall::Begin() {
  parts_.budget->Deposit();
  timeout_timer_ = lane_.SetTimer(request_.timeout.value_or(parts_.options.timeout), [self = shared_from_this()] { self->OnTimeout(); });
  BeginAttempt(Kind::kFirst);
}

void RunningCall::Resume() {
  // Bytes may come in Resume(), but no end: `live_` stays as it is.
  for (const std::unique_ptr<LiveAttempt>& attempt : live_) attempt->exchange->Resume();
}

absl::StatusOr<Pick> RunningCall::NextPick(Kind kind) const {
  absl::StatusOr<Pick> pick = parts_.pick(request_.service, *resolve_, {.affinity_key = request_.affinity_key, .avoid = tried_});
  if (pick.ok() || tried_.empty() || kind == Kind::kHedge) return pick;
  // All were tried: then one of them again.
  return parts_.pick(request_.service, *resolve_, {.affinity_key = request_.affinity_key});
}

void RunningCall::BeginAttempt(Kind kind) {
  absl::StatusOr<Pick> pick = NextPick(kind);
  if (!pick.ok()) return OnNoPick(kind, pick.status());
  absl::StatusOr<std::string> url = UrlOf(*pick, resolve_->endpoint, request_.target);
  if (kind == Kind::kHedge && (!url.ok() || !parts_.budget->Withdraw(lane_.Now()))) return;
  if (!url.ok()) return Cancel(url.status());
  ++(kind == Kind::kHedge ? hedges_ : tries_);
  BeginExchange(*std::move(pick), *std::move(url));
  if (!over_) ScheduleHedge();
}

void RunningCall::OnNoPick(Kind kind, const absl::Status& why) {
  if (kind == Kind::kHedge) return;
  if (kind == Kind::kRetry) {
    return Cancel(absl::Status(last_error_.code(), absl::StrCat(last_error_.message(), "; then none was left: ", why.message())));
  }
  if (ReasonOf(why) != Reason::kCatalogLoading) return Cancel(why);
  const absl::Duration now = lane_.Now();
  if (!resolve_by_.has_value()) resolve_by_ = now + parts_.options.resolve_timeout;
  if (now >= *resolve_by_) return Cancel(why);
  const absl::Duration delay = std::min(resolve_poll_, *resolve_by_ - now);
  resolve_poll_ = std::min(resolve_poll_ * 2, kResolvePollMax);
  next_timer_ = lane_.SetTimer(delay, [self = shared_from_this()] { self->BeginAttempt(Kind::kFirst); });
}

void RunningCall::BeginExchange(Pick pick, std::string url) {
  auto made = std::make_unique<LiveAttempt>(this, tries_ + hedges_, pick.Begin(), std::move(url));
  LiveAttempt* const attempt = made.get();
  attempt->result.attempt = tries_;
  attempt->result.idempotent = idempotent_;
  attempt->result.unit_random = parts_.unit_random();
  HttpExchangeRequest exchange = {.method = request_.method,
                                  .url = attempt->url(),
                                  .headers = request_.headers,
                                  .body = request_.body,
                                  .source = source_.is_there() ? &source_ : nullptr,
                                  .repeatable = idempotent_,
                                  .connect_timeout = request_.connect_timeout.value_or(parts_.options.connect_timeout)};
  if (parts_.options.request_hook != nullptr) {
    if (absl::Status refused = parts_.options.request_hook(attempt->Shown(request_.method), &exchange.headers); !refused.ok()) {
      return Cancel(refused);
    }
    std::vector<FieldViolation> wrong;
    CheckHeaders(exchange.headers, &wrong);
    if (!wrong.empty()) return Cancel(InvalidFields(Reason::kInvalidField, std::move(wrong)));
  }
  tried_.push_back(std::move(pick));
  live_.push_back(std::move(made));
  const absl::Duration timeout = request_.attempt_timeout.value_or(parts_.options.attempt_timeout);
  if (timeout < absl::InfiniteDuration()) {
    attempt->timer = lane_.SetTimer(timeout, [self = shared_from_this(), attempt] { self->OnAttemptTimeout(attempt); });
  }
  attempt->exchange = lane_.transport().Begin(std::move(exchange), attempt);
}

bool RunningCall::MayHedge() const {
  return idempotent_ && !source_.is_there() && winner_ == nullptr && !live_.empty() && hedges_ < parts_.options.hedges_max;
}

void RunningCall::ScheduleHedge() {
  lane_.ClearTimer(hedge_timer_);
  const absl::Duration after = request_.hedge_after.value_or(parts_.options.hedge_after);
  if (after == absl::InfiniteDuration() || !MayHedge()) return;
  hedge_timer_ = lane_.SetTimer(after, [self = shared_from_this()] {
    if (self->MayHedge()) self->BeginAttempt(Kind::kHedge);
  });
}

RunningCall::Take RunningCall::Stop(LiveAttempt* attempt, absl::Status own_error) {
  attempt->own_error = std::move(own_error);
  return Take::kStop;
}

RunningCall::Take RunningCall::OnHead(LiveAttempt* attempt, int status, HttpHeaders headers) {
  if (over_ || winner_ != nullptr) return Take::kStop;
  attempt->result.status = status;
  attempt->result.headers = std::move(headers);
  if (parts_.options.response_hook != nullptr) {
    attempt->result.error = parts_.options.response_hook(attempt->Shown(request_.method), status, attempt->result.headers);
    if (!attempt->result.error.ok()) return Take::kStop;
  }
  if (parts_.options.retry_policy->RetryAfter(attempt->result).has_value()) {
    if (live_.size() > 1) return Take::kStop;
    attempt->retry_after = Grant(attempt->result);
    if (attempt->retry_after.has_value()) return Take::kStop;
  }
  return Win(attempt);
}

RunningCall::Take RunningCall::Win(LiveAttempt* attempt) {
  winner_ = attempt;
  lane_.ClearTimer(hedge_timer_);
  if (live_.size() > 1) {
    // Not within an event. Who drives the lane holds the call; the lane is kept for others.
    lane_.Post([weak = weak_from_this()] {
      if (const std::shared_ptr<RunningCall> self = weak.lock()) self->DropLosers();
    });
  }
  if (request_.sink != nullptr) {
    sink_begun_ = true;
    absl::Status begun = request_.sink->Begin(HeadOf(*attempt, attempt->result.headers));
    return begun.ok() ? Take::kTaken : Stop(attempt, std::move(begun));
  }
  const std::string* const length = FindHeader(attempt->result.headers, "Content-Length");
  uint64_t bytes = 0;
  if (request_.method == HttpMethod::kHead || length == nullptr || !absl::SimpleAtoi(*length, &bytes)) return Take::kTaken;
  if (bytes > bytes_max()) {
    return Stop(attempt, absl::ResourceExhaustedError(
                             absl::StrCat("response_bytes_max: the response has ", bytes, " bytes, at most ", bytes_max(), " are taken")));
  }
  body_.reserve(std::min<size_t>(bytes, size_t{1} << 20));
  return Take::kTaken;
}

RunningCall::Take RunningCall::OnBody(LiveAttempt* attempt, absl::string_view bytes) {
  if (over_ || attempt != winner_) return Take::kStop;
  if (request_.sink != nullptr) {
    const absl::StatusOr<HttpBodySink::Take> taken = request_.sink->Write(bytes);
    if (!taken.ok()) return Stop(attempt, taken.status());
    return *taken == HttpBodySink::Take::kTaken ? Take::kTaken : Take::kLater;
  }
  if (body_.size() + bytes.size() > bytes_max()) {
    return Stop(attempt, absl::ResourceExhaustedError(
                             absl::StrCat("response_bytes_max: the response has more than the ", bytes_max(), " bytes that are taken")));
  }
  body_.append(bytes.data(), bytes.size());
  return Take::kTaken;
}

void RunningCall::DropLosers() {
  if (winner_ == nullptr) return;
  const auto losers = std::partition(live_.begin(), live_.end(), [this](const auto& live) { return live.get() == winner_; });
  for (auto loser = losers; loser != live_.end(); ++loser) lane_.ClearTimer((*loser)->timer);
  live_.erase(losers, live_.end());
}

std::unique_ptr<LiveAttempt> RunningCall::TakeLive(LiveAttempt* attempt) {
  const auto found = std::find_if(live_.begin(), live_.end(), [attempt](const auto& live) { return live.get() == attempt; });
  std::unique_ptr<LiveAttempt> taken = std::move(*found);
  live_.erase(found);
  lane_.ClearTimer(taken->timer);
  return taken;
}

void RunningCall::OnEnd(LiveAttempt* attempt, const HttpExchangeEnd& end) {
  const auto self = shared_from_this();
  const std::unique_ptr<LiveAttempt> taken = TakeLive(attempt);
  // Lost: as if it had been cancelled already.
  if (winner_ != nullptr && attempt != winner_) return;
  if (attempt == winner_ && end.status.ok() && attempt->own_error.ok()) {
    Judge(attempt);
    HttpResponse response = HeadOf(*attempt, std::move(attempt->result.headers));
    response.body = std::move(body_);
    return Finish(std::move(response));
  }
  if (!attempt->own_error.ok()) {
    attempt->call().Succeeded();
    return Finish(attempt->own_error);
  }
  if (!source_.error().ok()) return Finish(source_.error());
  // A head that was not taken says what is wrong; else the connection does.
  const bool judged = attempt->has_head() && attempt != winner_;
  if (!judged && end.status.ok()) return Finish(absl::InternalError("the transport ended a response that it did not begin"));
  if (!judged) attempt->result.error = end.status;
  attempt->result.sent = end.sent || attempt->has_head();
  OnFailed(attempt);
}

void RunningCall::OnAttemptTimeout(LiveAttempt* attempt) {
  const std::unique_ptr<LiveAttempt> taken = TakeLive(attempt);
  attempt->result.sent = attempt->exchange->WasSent();
  attempt->exchange = nullptr;
  const absl::Duration timeout = request_.attempt_timeout.value_or(parts_.options.attempt_timeout);
  attempt->result.error = absl::DeadlineExceededError(absl::StrCat("no answer within ", absl::FormatDuration(timeout)));
  OnFailed(attempt);
}

void RunningCall::Judge(LiveAttempt* attempt) {
  parts_.options.retry_policy->IsFailure(attempt->result) ? attempt->call().Failed() : attempt->call().Succeeded();
}

void RunningCall::OnFailed(LiveAttempt* attempt) {
  Judge(attempt);
  if (attempt == winner_) {
    winner_ = nullptr;
    body_.clear();
  }
  // Another may still answer.
  if (!live_.empty()) return;
  last_error_ = ErrorOf(*attempt);
  std::optional<absl::Duration> delay = attempt->retry_after;
  if (!delay.has_value()) delay = Grant(attempt->result);
  if (!delay.has_value()) return Finish(last_error_);
  Retry(*delay);
}

std::optional<absl::Duration> RunningCall::Grant(const HttpAttemptResult& result) {
  const std::optional<absl::Duration> delay = parts_.options.retry_policy->RetryAfter(result);
  if (!delay.has_value() || tries_ >= parts_.options.attempts_max || sink_begun_) return std::nullopt;
  const absl::Duration now = lane_.Now();
  if (now + *delay >= timeout_timer_.due) return std::nullopt;
  if (source_.is_there() && !source_.Rewind()) return std::nullopt;
  if (!parts_.budget->Withdraw(now)) return std::nullopt;
  return delay;
}

void RunningCall::Retry(absl::Duration delay) {
  lane_.ClearTimer(hedge_timer_);
  next_timer_ = lane_.SetTimer(delay, [self = shared_from_this()] { self->BeginAttempt(Kind::kRetry); });
}

void RunningCall::OnTimeout() {
  const absl::Duration timeout = request_.timeout.value_or(parts_.options.timeout);
  std::string message = absl::StrCat("timeout: no answer within ", absl::FormatDuration(timeout));
  for (const std::unique_ptr<LiveAttempt>& attempt : live_) {
    absl::StrAppend(&message, ", attempt ", attempt->number(), " to ", attempt->pick().instance().name.id, " was under way");
    // Those after it had less time than that.
    if (attempt->number() == 1 && !attempt->has_head()) attempt->call().Failed();
  }
  if (!last_error_.ok()) absl::StrAppend(&message, "; before: ", last_error_.message());
  Finish(absl::DeadlineExceededError(message));
}

HttpResponse RunningCall::HeadOf(const LiveAttempt& attempt, HttpHeaders headers) const {
  return {.status = attempt.result.status,
          .headers = std::move(headers),
          .instance = attempt.pick().instance().name.id,
          .attempts = tries_ + hedges_};
}

absl::Status RunningCall::ErrorOf(const LiveAttempt& attempt) const {
  const HttpAttemptResult& result = attempt.result;
  const absl::Status error = result.error.ok() ? absl::UnavailableError(absl::StrCat("answered ", result.status)) : result.error;
  const discovery::InstanceName& name = attempt.pick().instance().name;
  return absl::Status(error.code(), absl::StrCat(name.service, "/", name.id, ", attempt ", attempt.number(), ": ", error.message()));
}

void RunningCall::Finish(absl::StatusOr<HttpResponse>&& result) {
  if (std::exchange(over_, true)) return;
  for (const std::unique_ptr<LiveAttempt>& attempt : live_) lane_.ClearTimer(attempt->timer);
  live_.clear();
  tried_.clear();
  winner_ = nullptr;
  // The tasks of the timers hold this: whoever calls holds it too.
  lane_.ClearTimer(timeout_timer_);
  lane_.ClearTimer(next_timer_);
  lane_.ClearTimer(hedge_timer_);
  std::move(done_)(std::move(result));
}

}  // namespace scoutlight::client

#ifndef SCOUTLIGHT_CLIENT_HTTP_LIVE_ATTEMPT_H_
#define SCOUTLIGHT_CLIENT_HTTP_LIVE_ATTEMPT_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/http/lane.h"
#include "client/http_client_options.h"
#include "client/http_transport.h"
#include "client/pick.h"

namespace scoutlight::client {

class LiveAttempt;

// Whose attempt it is.
class AttemptOwner {
 public:
  using Take = HttpExchangeEvents::Take;

  virtual Take OnHead(LiveAttempt* attempt, int status, HttpHeaders headers) = 0;
  virtual Take OnBody(LiveAttempt* attempt, absl::string_view bytes) = 0;
  virtual void OnEnd(LiveAttempt* attempt, const HttpExchangeEnd& end) = 0;

 protected:
  ~AttemptOwner() = default;
};

// One attempt of a call while it lasts: what is known of it, and the exchange, whose events go to the call. Destroying it cancels it.
class LiveAttempt final : public HttpExchangeEvents {
 public:
  LiveAttempt(AttemptOwner* owner, int number, Call call, std::string url)
      : owner_(*owner), number_(number), call_(std::move(call)), url_(std::move(url)) {}

  Take OnHead(int status, HttpHeaders headers) override { return owner_.OnHead(this, status, std::move(headers)); }
  Take OnBody(absl::string_view bytes) override { return owner_.OnBody(this, bytes); }
  void OnEnd(const HttpExchangeEnd& end) override { owner_.OnEnd(this, end); }

  int number() const { return number_; }
  Call& call() { return call_; }
  const std::string& url() const { return url_; }
  const Pick& pick() const { return call_.pick(); }
  bool has_head() const { return result.status != 0; }
  HttpAttempt Shown(HttpMethod method) const { return {.number = number_, .pick = pick(), .method = method, .url = url_}; }

  // The call's to set.
  std::unique_ptr<HttpExchange> exchange;
  Lane::TimerId timer;                        // Of the attempt's timeout.
  HttpAttemptResult result;                   // So far: the head, or the hook's error.
  std::optional<absl::Duration> retry_after;  // The next attempt is granted already.
  absl::Status own_error;                     // What the call ends with although the instance is not to blame.

 private:
  AttemptOwner& owner_;
  const int number_;
  Call call_;
  const std::string url_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_LIVE_ATTEMPT_H_

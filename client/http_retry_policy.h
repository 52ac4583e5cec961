#ifndef SCOUTLIGHT_CLIENT_HTTP_RETRY_POLICY_H_
#define SCOUTLIGHT_CLIENT_HTTP_RETRY_POLICY_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/http_request.h"

namespace scoutlight {

// What came of one attempt.
struct HttpAttemptResult {
  int attempt = 1;          // 1 is the first.
  bool idempotent = false;  // By its method, or because the request says so.
  absl::Status error;       // OK: status and headers came. Else the connection's, a timeout's, or the response hook's.
  bool sent = true;         // Something of the request may have reached the instance; always with a response.
  int status = 0;           // With a response, as the next.
  HttpHeaders headers;
  double unit_random = 0.5;  // From [0, 1), for jitter.
};

// Decides what becomes of an attempt. Whatever it says, a client goes on only within HttpClientOptions::attempts_max, the call's timeout
// and the retry budget, and not when a body cannot be read anew or has begun to be told. Immutable; thread-safe.
class HttpRetryPolicy {
 public:
  virtual ~HttpRetryPolicy() = default;
  // How long to wait before another attempt; nullopt: the caller gets this result.
  virtual std::optional<absl::Duration> RetryAfter(const HttpAttemptResult& result) const = 0;
  // Whether the instance is to blame: Call::Failed(), else Succeeded().
  virtual bool IsFailure(const HttpAttemptResult& result) const = 0;
};

// Repeats what was not sent; and what is idempotent if no response came, or one of 502, 503, 504, or 429 with Retry-After. Waits for a
// random part of `backoff_first`, twice that the next time, and so on up to `backoff_max` (full jitter); of 429 and 503 at least for what
// Retry-After says in seconds: if that is more than `retry_after_max`, or a date, there is no other attempt. To blame are those that did
// not answer, or with 502, 503, 504.
class DefaultHttpRetryPolicy : public HttpRetryPolicy {
 public:
  struct Options {
    absl::Duration backoff_first = absl::Milliseconds(10);
    absl::Duration backoff_max = absl::Milliseconds(500);
    absl::Duration retry_after_max = absl::Seconds(1);
  };

  DefaultHttpRetryPolicy() : DefaultHttpRetryPolicy(Options()) {}
  explicit DefaultHttpRetryPolicy(Options options) : options_(options) {}

  std::optional<absl::Duration> RetryAfter(const HttpAttemptResult& result) const override;
  bool IsFailure(const HttpAttemptResult& result) const override;

 private:
  absl::Duration Backoff(const HttpAttemptResult& result) const;

  const Options options_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_HTTP_RETRY_POLICY_H_

#ifndef SCOUTLIGHT_CLIENT_HTTP_CLIENT_OPTIONS_H_
#define SCOUTLIGHT_CLIENT_HTTP_CLIENT_OPTIONS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/connection_options.h"
#include "client/http_request.h"
#include "client/http_retry_policy.h"
#include "client/http_transport.h"
#include "client/pick.h"
#include "client/resolve_options.h"

namespace scoutlight {

// One attempt of a call, as hooks see it. Valid during the hook.
struct HttpAttempt {
  int number = 1;  // 1 is the first.
  const Pick& pick;
  HttpMethod method;
  const std::string& url;  // Absolute.
};

// Before each attempt: may change the headers, which begin as the request's each time; they are checked again. An error refuses the attempt
// and ends the call with it; nothing was sent. Runs in the thread of the call: that of HttpClient::Call, or the client's loop, which it
// must not block.
using HttpRequestHook = std::function<absl::Status(const HttpAttempt& attempt, HttpHeaders* headers)>;
// After the status and headers of each response, before they are judged. An error makes it a failure of the attempt, which is repeated, or
// not, as if no response had come. Runs as the other.
using HttpResponseHook = std::function<absl::Status(const HttpAttempt& attempt, int status, const HttpHeaders& headers)>;

// How many attempts besides first ones (retries and hedges) there may be: a bucket of tokens, as Finagle's RetryBudget. Each attempt takes
// one, each call puts in `percent` of one, and each second `per_second`; more than `burst` are not kept, and there are so many at the
// start. Without a token, a call ends with what came of its last attempt.
struct HttpRetryBudget {
  double percent = 20;     // 0 to 1,000.
  double per_second = 10;  // 0 to 1,000,000.
  double burst = 100;      // 0 to 1,000,000.
};

enum class HttpVersion {
  k11,
  k2OverTls,  // HTTP/2 where TLS agrees on it, else 1.1.
};
enum class HttpProxies {
  kNone,
  kFromEnvironment,  // http_proxy, https_proxy, no_proxy, as libcurl reads them.
};

struct HttpClientOptions {
  // Of a call with all its attempts, and of one attempt: 1 ms to 24 h; the latter may be infinite. Of connecting, TLS included: 1 ms to 5
  // min.
  absl::Duration timeout = absl::Seconds(30);
  absl::Duration attempt_timeout = absl::InfiniteDuration();
  absl::Duration connect_timeout = absl::Seconds(3);
  // For how long a call waits while nothing is known of its service yet: 0 s to 10 min.
  absl::Duration resolve_timeout = absl::Seconds(5);
  // Attempts of a call, hedges apart: 1 to 8.
  int attempts_max = 3;
  HttpRetryBudget retry_budget = {};
  // A second attempt begins, on another instance, when there was no answer for so long: 1 ms to 24 h; infinite: never. Only of what is
  // idempotent and has its body in bytes. The first answer counts, the other attempts are cancelled. 0 to 8 a call.
  absl::Duration hedge_after = absl::InfiniteDuration();
  int hedges_max = 1;
  // What a response's body may have without a sink: at most 1 GiB.
  size_t response_bytes_max = 16 * 1024 * 1024;
  // Calls at a time, those too whose callback has not run: 1 to 100,000.
  int calls_in_flight_max = 1'000;
  // Connections that are kept open for calls to come, of the calls that are started, and of each thread that calls, of which
  // kHttpCallersKept keep theirs: 0 to 10,000. They are closed after `idle_timeout`, 1 s to 1 h, when that is looked at; one that was idle
  // for longer than kHttpIdleUnsafeMax is not used for what must not be sent twice.
  int idle_connections_max = 64;
  absl::Duration idle_timeout = absl::Seconds(30);
  HttpVersion version = HttpVersion::k11;
  HttpProxies proxies = HttpProxies::kNone;
  // For https. Certificates are always verified, for the host of the endpoint.
  TlsCredentials tls = {};
  ResolveOptions resolve = {};
  HttpRequestHook request_hook = nullptr;
  HttpResponseHook response_hook = nullptr;
  // Null: a DefaultHttpRetryPolicy.
  std::shared_ptr<const HttpRetryPolicy> retry_policy = nullptr;
  // Null: libcurl.
  HttpTransportMaker transport = nullptr;
};

inline constexpr int kHttpCallersKept = 16;
inline constexpr absl::Duration kHttpIdleUnsafeMax = absl::Seconds(2);

// kInvalidArgument: every violated field.
absl::Status CheckOptions(const HttpClientOptions& options);

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_HTTP_CLIENT_OPTIONS_H_

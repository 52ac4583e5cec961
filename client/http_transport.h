#ifndef SCOUTLIGHT_CLIENT_HTTP_TRANSPORT_H_
#define SCOUTLIGHT_CLIENT_HTTP_TRANSPORT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/http_body.h"
#include "client/http_request.h"

namespace scoutlight {

// One request to one instance.
struct HttpExchangeRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string url;  // Absolute, http or https.
  HttpHeaders headers;
  absl::string_view body;            // Valid as long as the exchange, as `source`.
  HttpBodySource* source = nullptr;  // In place of `body`; null: none.
  // Whether the transport may send it anew when the connection that it reused turns out dead, although something may have been taken in.
  bool repeatable = false;
  absl::Duration connect_timeout = absl::InfiniteDuration();
};

struct HttpExchangeEnd {
  absl::Status status;  // OK: the response is complete.
  bool sent = false;    // Something of the request may have reached the instance; meaningless with OK.
};

// What an exchange tells, in Poll(), and in HttpExchange::Resume().
class HttpExchangeEvents {
 public:
  enum class Take { kTaken, kLater, kStop };

  virtual ~HttpExchangeEvents() = default;
  // Status and headers, at most once; 1xx are not told. kStop: as OnBody.
  virtual Take OnHead(int status, HttpHeaders headers) = 0;
  // kLater: the same bytes again after Resume(). kStop: nothing more but OnEnd.
  virtual Take OnBody(absl::string_view bytes) = 0;
  // The last event. It may destroy exchanges, and begin others; the other events may not.
  virtual void OnEnd(const HttpExchangeEnd& end) = 0;
};

// One under way. Destroying it cancels it: no event comes after.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  // A source or sink that had nothing, or no room, is asked again.
  virtual void Resume() = 0;
  // Whether something of the request may have reached the instance by now.
  virtual bool WasSent() const = 0;
};

// How requests reach instances. A client has several: one for the calls that it starts, one for each thread that makes one. Used by one
// thread at a time, but for Wake(). Outlives its exchanges. The default is over libcurl (client/http/curl_transport.h).
class HttpTransport {
 public:
  virtual ~HttpTransport() = default;

  // Never fails at once, and tells nothing inside: what is wrong comes as OnEnd. `events` outlive the exchange.
  virtual std::unique_ptr<HttpExchange> Begin(HttpExchangeRequest request, HttpExchangeEvents* events) = 0;
  // Does what is to be done and tells events. If there are none, waits for some, at most for `timeout`, and until Wake().
  virtual void Poll(absl::Duration timeout) = 0;
  // A Poll() that waits, else the next, returns at once. Thread-safe.
  virtual void Wake() = 0;
};

// Makes one. Thread-safe.
using HttpTransportMaker = std::function<absl::StatusOr<std::unique_ptr<HttpTransport>>()>;

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_HTTP_TRANSPORT_H_

#ifndef SCOUTLIGHT_CLIENT_HTTP_CLIENT_H_
#define SCOUTLIGHT_CLIENT_HTTP_CLIENT_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/http_client_options.h"
#include "client/http_request.h"
#include "client/locator.h"

namespace scoutlight {

namespace client {
class HttpCore;
class StartedCall;
}  // namespace client

// A call that was started. Destroying this changes nothing. Thread-safe, but for moving.
class HttpCall {
 public:
  // Its callback is told kCancelled, unless it has ended already.
  void Cancel();
  // Its source or sink, which had nothing or no room, is asked again.
  void Resume();

 private:
  friend class HttpClient;
  explicit HttpCall(std::shared_ptr<client::StartedCall> call) : call_(std::move(call)) {}

  std::shared_ptr<client::StartedCall> call_;
};

using HttpDone = absl::AnyInvocable<void(absl::StatusOr<HttpResponse>) &&>;

// Calls services by name over HTTP: each attempt goes to an instance that the locator picks, what came of it is told to the locator, and a
// failed one is repeated on another instance when that is safe: idempotent, or nothing sent yet. Redirects are not followed, and cookies
// not kept. See docs/decisions/0020-http-by-name.md.
//
//   auto http = scoutlight::HttpClient::Open(*locator);
//   auto response = http->Get("svc://Printer/jobs?state=open");
//
// Errors of a call, besides those of Locator::Resolve, of a hook, a source or a sink: kInvalidArgument: every violated field.
// kFailedPrecondition: the instance has no such endpoint. kUnavailable: no attempt got a response; the last one's error. kDeadlineExceeded.
// kCancelled. kResourceExhausted: calls_in_flight_max; or a response over response_bytes_max or kHttpHeaderBytesMax. A response of any
// status, 503 too, is no error.
//
// A POST or PATCH of which something may have been taken in is never sent again, unless the request says that it is idempotent. So a
// connection that ends while such a request is on its way is an error.
//
// Thread-safe, but for moving. The destructor cancels all calls, and waits for them and for the callbacks at most a second each; those that
// take longer go on.
class HttpClient {
 public:
  // `locator` outlives it and is not moved meanwhile. kInvalidArgument: every violated field of `options`.
  static absl::StatusOr<HttpClient> Open(Locator& locator, HttpClientOptions options = {});

  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  // Blocks. Hooks, source and sink run in the caller's thread.
  absl::StatusOr<HttpResponse> Call(HttpRequest request);
  // Does not block. `done` runs once, under no lock, on the client's thread for callbacks, never inside this; it should not block, and may
  // start calls and destroy the client. An error, which is kInvalidArgument, kResourceExhausted or kCancelled: nothing was started, and
  // `done` is not called.
  absl::StatusOr<HttpCall> Start(HttpRequest request, HttpDone done);

  // By `svc://Service/path?query`.
  absl::StatusOr<HttpResponse> Get(absl::string_view url);
  absl::StatusOr<HttpResponse> Post(absl::string_view url, std::string body, absl::string_view content_type = "application/json");
  absl::StatusOr<HttpResponse> Put(absl::string_view url, std::string body, absl::string_view content_type = "application/json");
  absl::StatusOr<HttpResponse> Delete(absl::string_view url);

 private:
  explicit HttpClient(std::shared_ptr<client::HttpCore> core);

  std::shared_ptr<client::HttpCore> core_;  // Null: moved from; then nothing may be called.
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_HTTP_CLIENT_H_

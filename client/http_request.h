#ifndef SCOUTLIGHT_CLIENT_HTTP_REQUEST_H_
#define SCOUTLIGHT_CLIENT_HTTP_REQUEST_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/http_body.h"
#include "client/resolve_options.h"

namespace scoutlight {

enum class HttpMethod { kGet, kHead, kPost, kPut, kPatch, kDelete };

// "GET". Thread-safe, as the next.
absl::string_view MethodText(HttpMethod method);
// Whether doing it twice is as doing it once (RFC 9110, section 9.2.2): GET, HEAD, PUT, DELETE.
bool IsIdempotent(HttpMethod method);

struct HttpHeader {
  std::string name;  // Compared in any case.
  std::string value;

  friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};
using HttpHeaders = std::vector<HttpHeader>;

// The value of the first header of that name; nullptr: there is none. Valid until `headers` changes.
const std::string* FindHeader(const HttpHeaders& headers, absl::string_view name);

inline constexpr size_t kHttpTargetBytesMax = 8 * 1024;
inline constexpr int kHttpHeadersMax = 128;
inline constexpr size_t kHttpHeaderBytesMax = 64 * 1024;  // Names and values, of a request, and of a response with its status line.

// A request to a service, whichever instance answers it.
struct HttpRequest {
  HttpMethod method = HttpMethod::kGet;
  // `svc://Service/path?query`: bytes of the service's name that a URL does not have are escaped (%2F). In place of `service` and `target`.
  std::string url = {};
  std::string service = {};
  // Path and query, beginning with `/`, of printable ASCII, at most kHttpTargetBytesMax, without `..` segments. The path of the instance's
  // endpoint goes before it.
  std::string target = "/";
  // At most kHttpHeadersMax and kHttpHeaderBytesMax. Not Content-Length, Transfer-Encoding, Connection, Expect, which are the client's own.
  HttpHeaders headers = {};
  // Not with GET and HEAD. `source` is in place of `body`, not beside it.
  std::string body = {};
  std::shared_ptr<HttpBodySource> source = nullptr;
  // Takes the response's body; null: HttpResponse::body does.
  std::shared_ptr<HttpBodySink> sink = nullptr;
  // Whether it may be repeated although it may have been carried out, whatever the method.
  bool idempotent = false;
  // The instance's endpoint, by name, else by scheme; empty: that of the ResolveOptions, else its first that is http or https. One without
  // a scheme is http.
  std::string endpoint = {};
  // In place of HttpClientOptions::resolve.
  std::optional<ResolveOptions> resolve = std::nullopt;
  std::string affinity_key = {};  // As PickOptions.
  // In place of the client's (client/http_client_options.h), with the same bounds.
  std::optional<absl::Duration> timeout = std::nullopt;
  std::optional<absl::Duration> attempt_timeout = std::nullopt;
  std::optional<absl::Duration> connect_timeout = std::nullopt;
  std::optional<absl::Duration> hedge_after = std::nullopt;
  std::optional<size_t> response_bytes_max = std::nullopt;
};

// What an instance answered; an error status is an answer too.
struct HttpResponse {
  int status = 0;  // 200..599.
  HttpHeaders headers;
  std::string body;      // Empty with a sink.
  std::string instance;  // The id of the one that answered.
  int attempts = 0;      // How many it took, hedges too.
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_HTTP_REQUEST_H_

#ifndef SCOUTLIGHT_CLIENT_HTTP_REQUEST_CHECK_H_
#define SCOUTLIGHT_CLIENT_HTTP_REQUEST_CHECK_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "client/http_request.h"

namespace scoutlight::client {

inline constexpr absl::Duration kHttpTimeMin = absl::Milliseconds(1);
inline constexpr absl::Duration kHttpTimeMax = absl::Hours(24);
inline constexpr absl::Duration kHttpConnectTimeMax = absl::Minutes(5);
inline constexpr size_t kHttpResponseBytesMax = size_t{1} << 30;

// Puts what `request->url` says into `service` and `target`. kInvalidArgument: every violated field. Thread-safe, as the others.
absl::Status CheckRequest(HttpRequest* request);

// Adds what is wrong with the headers of a request, as the fields `headers` and `headers[3]`.
void CheckHeaders(const HttpHeaders& headers, std::vector<FieldViolation>* wrong);

// Adds the field `name` if `value` is outside of `min` to `max`.
struct TimeBounds {
  absl::Duration min = kHttpTimeMin;
  absl::Duration max = kHttpTimeMax;
  bool infinite = false;  // Allowed besides.
};
void CheckTime(absl::string_view name, absl::Duration value, const TimeBounds& bounds, std::vector<FieldViolation>* wrong);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_REQUEST_CHECK_H_

#include "client/http_retry_policy.h"

#include <algorithm>
#include <string>

#include "absl/strings/numbers.h"

namespace scoutlight {
namespace {

constexpr int kTooManyRequests = 429;
constexpr int kBadGateway = 502;
constexpr int kServiceUnavailable = 503;
constexpr int kGatewayTimeout = 504;

bool IsGatewayError(int status) { return status == kBadGateway || status == kServiceUnavailable || status == kGatewayTimeout; }

// What Retry-After asks for; nullopt: nothing. InfiniteDuration: a date, or nothing that can be read.
std::optional<absl::Duration> Asked(const HttpAttemptResult& result) {
  if (result.status != kTooManyRequests && result.status != kServiceUnavailable) return std::nullopt;
  const std::string* const value = FindHeader(result.headers, "Retry-After");
  if (value == nullptr) return std::nullopt;
  int64_t seconds = 0;
  if (!absl::SimpleAtoi(*value, &seconds) || seconds < 0) return absl::InfiniteDuration();
  return absl::Seconds(seconds);
}

}  // namespace

std::optional<absl::Duration> DefaultHttpRetryPolicy::RetryAfter(const HttpAttemptResult& result) const {
  const int doublings = std::clamp(result.attempt - 1, 0, 30);
  const absl::Duration ceiling = std::min(options_.backoff_first * (int64_t{1} << doublings), options_.backoff_max);
  const absl::Duration backoff = ceiling * result.unit_random;
  if (!result.error.ok()) {
    if (result.sent && !result.idempotent) return std::nullopt;
    return backoff;
  }
  if (!result.idempotent) return std::nullopt;
  const std::optional<absl::Duration> asked = Asked(result);
  if (asked.has_value()) {
    if (*asked > options_.retry_after_max) return std::nullopt;
    return std::max(*asked, backoff);
  }
  if (!IsGatewayError(result.status)) return std::nullopt;
  return backoff;
}

bool DefaultHttpRetryPolicy::IsFailure(const HttpAttemptResult& result) const {
  return !result.error.ok() || IsGatewayError(result.status);
}

}  // namespace scoutlight

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

absl::Duration DefaultHttpRetryPolicy::Backoff(const HttpAttemptResult& result) const {
  const int doublings = std::clamp(result.attempt - 1, 0, 30);
  return std::min(options_.backoff_first * (int64_t{1} << doublings), options_.backoff_max) * result.unit_random;
}

std::optional<absl::Duration> DefaultHttpRetryPolicy::RetryAfter(const HttpAttemptResult& result) const {
  if (!result.error.ok()) {
    if (result.sent && !result.idempotent) return std::nullopt;
    return Backoff(result);
  }
  if (!result.idempotent) return std::nullopt;
  const std::optional<absl::Duration> asked = Asked(result);
  if (asked.has_value()) {
    if (*asked > options_.retry_after_max) return std::nullopt;
    return std::max(*asked, Backoff(result));
  }
  if (!IsGatewayError(result.status)) return std::nullopt;
  return Backoff(result);
}

bool DefaultHttpRetryPolicy::IsFailure(const HttpAttemptResult& result) const {
  return !result.error.ok() || IsGatewayError(result.status);
}

}  // namespace scoutlight

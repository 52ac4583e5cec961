#include "client/http_retry_policy.h"

#include <optional>

#include "gtest/gtest.h"

namespace scoutlight {
namespace {

const absl::Status kBroken = absl::UnavailableError("connection reset");

std::optional<absl::Duration> RetryAfter(const HttpAttemptResult& result) { return DefaultHttpRetryPolicy().RetryAfter(result); }
HttpAttemptResult Answered(int status, HttpHeaders headers = {}) {
  return {.idempotent = true, .status = status, .headers = std::move(headers)};
}

TEST(DefaultHttpRetryPolicy, RepeatsWhatWasNotSent) {
  EXPECT_TRUE(RetryAfter({.idempotent = false, .error = kBroken, .sent = false}).has_value());
  EXPECT_TRUE(RetryAfter({.idempotent = true, .error = kBroken, .sent = false}).has_value());
}

TEST(DefaultHttpRetryPolicy, RepeatsWhatMayHaveBeenSentIfThatIsSafe) {
  EXPECT_TRUE(RetryAfter({.idempotent = true, .error = kBroken, .sent = true}).has_value());
  EXPECT_FALSE(RetryAfter({.idempotent = false, .error = kBroken, .sent = true}).has_value());
}

TEST(DefaultHttpRetryPolicy, RepeatsGatewayErrorsAlone) {
  for (const int status : {502, 503, 504}) {
    EXPECT_TRUE(RetryAfter(Answered(status)).has_value()) << status;
    EXPECT_FALSE(RetryAfter({.idempotent = false, .status = status}).has_value()) << status;
    EXPECT_TRUE(DefaultHttpRetryPolicy().IsFailure(Answered(status))) << status;
  }
  for (const int status : {200, 302, 404, 429, 500, 501, 505}) {
    EXPECT_FALSE(RetryAfter(Answered(status)).has_value()) << status;
    EXPECT_FALSE(DefaultHttpRetryPolicy().IsFailure(Answered(status))) << status;
  }
  EXPECT_TRUE(DefaultHttpRetryPolicy().IsFailure({.error = kBroken}));
}

TEST(DefaultHttpRetryPolicy, HeedsShortRetryAfter) {
  EXPECT_EQ(RetryAfter(Answered(503, {{"retry-after", "1"}})), absl::Seconds(1));
  EXPECT_EQ(RetryAfter(Answered(429, {{"Retry-After", "1"}})), absl::Seconds(1));
  EXPECT_FALSE(RetryAfter(Answered(503, {{"Retry-After", "2"}})).has_value());
  EXPECT_FALSE(RetryAfter(Answered(503, {{"Retry-After", "Fri, 27 Nov 2026 09:00:00 GMT"}})).has_value());
  EXPECT_FALSE(RetryAfter(Answered(503, {{"Retry-After", "-1"}})).has_value());
  EXPECT_TRUE(RetryAfter(Answered(502, {{"Retry-After", "60"}})).has_value());
  EXPECT_FALSE(RetryAfter({.idempotent = false, .status = 429, .headers = {{"Retry-After", "1"}}}).has_value());
}

TEST(DefaultHttpRetryPolicy, BacksOffWithFullJitter) {
  HttpAttemptResult result = {.idempotent = true, .error = kBroken, .unit_random = 0.5};
  const absl::Duration expected[] = {absl::Milliseconds(5), absl::Milliseconds(10), absl::Milliseconds(20)};
  for (int i = 0; i < 3; ++i) {
    result.attempt = i + 1;
    EXPECT_EQ(RetryAfter(result), expected[i]);
  }
  result.attempt = 100;
  EXPECT_EQ(RetryAfter(result), absl::Milliseconds(250));
  result.unit_random = 0;
  EXPECT_EQ(RetryAfter(result), absl::ZeroDuration());
}

}  // namespace
}  // namespace scoutlight

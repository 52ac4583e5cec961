#include "client/http_client_options.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/http/request_check.h"

namespace scoutlight {
namespace {

using client::CheckTime;
using Wrong = std::vector<FieldViolation>;

constexpr int kAttemptsMax = 8;
constexpr int kHedgesMax = 8;
constexpr int kCallsInFlightMax = 100'000;
constexpr int kIdleConnectionsMax = 10'000;
constexpr double kBudgetPercentMax = 1'000;
constexpr double kBudgetMax = 1'000'000;

template <typename Number>
void CheckNumber(absl::string_view name, Number value, Number min, Number max, Wrong* wrong) {
  if (value >= min && value <= max) return;
  wrong->push_back({std::string(name), absl::StrCat("must be ", min, " to ", max, ", is ", value)});
}

}  // namespace

absl::Status CheckOptions(const HttpClientOptions& options) {
  Wrong wrong;
  CheckTime("timeout", options.timeout, {}, &wrong);
  CheckTime("attempt_timeout", options.attempt_timeout, {.infinite = true}, &wrong);
  CheckTime("connect_timeout", options.connect_timeout, {.max = client::kHttpConnectTimeMax}, &wrong);
  CheckTime("resolve_timeout", options.resolve_timeout, {.min = absl::ZeroDuration(), .max = absl::Minutes(10)}, &wrong);
  CheckNumber("attempts_max", options.attempts_max, 1, kAttemptsMax, &wrong);
  CheckNumber("retry_budget.percent", options.retry_budget.percent, 0.0, kBudgetPercentMax, &wrong);
  CheckNumber("retry_budget.per_second", options.retry_budget.per_second, 0.0, kBudgetMax, &wrong);
  CheckNumber("retry_budget.burst", options.retry_budget.burst, 0.0, kBudgetMax, &wrong);
  CheckTime("hedge_after", options.hedge_after, {.infinite = true}, &wrong);
  CheckNumber("hedges_max", options.hedges_max, 0, kHedgesMax, &wrong);
  CheckNumber("response_bytes_max", options.response_bytes_max, size_t{0}, client::kHttpResponseBytesMax, &wrong);
  CheckNumber("calls_in_flight_max", options.calls_in_flight_max, 1, kCallsInFlightMax, &wrong);
  CheckNumber("idle_connections_max", options.idle_connections_max, 0, kIdleConnectionsMax, &wrong);
  CheckTime("idle_timeout", options.idle_timeout, {.min = absl::Seconds(1), .max = absl::Hours(1)}, &wrong);
  if (options.tls.certificate_chain.empty() != options.tls.private_key.empty()) {
    wrong.push_back({"tls", "has a certificate chain or a private key without the other"});
  }
  return wrong.empty() ? absl::OkStatus() : InvalidFields(Reason::kInvalidField, std::move(wrong));
}

}  // namespace scoutlight

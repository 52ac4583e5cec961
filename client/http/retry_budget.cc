#include "client/http/retry_budget.h"

#include <algorithm>

namespace scoutlight::client {

RetryBudget::RetryBudget(const HttpRetryBudget& options, absl::Duration now) : options_(options), tokens_(options.burst), filled_at_(now) {}

void RetryBudget::Deposit() {
  MutexLock lock(&mu_);
  tokens_ = std::min(tokens_ + options_.percent / 100, options_.burst);
}

bool RetryBudget::Withdraw(absl::Duration now) {
  MutexLock lock(&mu_);
  if (now > filled_at_) {
    tokens_ = std::min(tokens_ + absl::ToDoubleSeconds(now - filled_at_) * options_.per_second, options_.burst);
    filled_at_ = now;
  }
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

}  // namespace scoutlight::client

#ifndef SCOUTLIGHT_CLIENT_HTTP_RETRY_BUDGET_H_
#define SCOUTLIGHT_CLIENT_HTTP_RETRY_BUDGET_H_

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/http_client_options.h"

namespace scoutlight::client {

// The tokens of HttpRetryBudget. Holds no clock. Thread-safe.
class RetryBudget {
 public:
  // `now` is steady time.
  RetryBudget(const HttpRetryBudget& options, absl::Duration now);

  // A call begins.
  void Deposit();
  // Whether there is a token, which is taken.
  bool Withdraw(absl::Duration now);

 private:
  const HttpRetryBudget options_;
  Mutex mu_;
  double tokens_ ABSL_GUARDED_BY(mu_);
  absl::Duration filled_at_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_RETRY_BUDGET_H_

#ifndef SCOUTLIGHT_SERVER_DISCOVERY_ALL_RESULTS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_ALL_RESULTS_H_

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "server/discovery/registrar.h"
#include "server/discovery/registration_conversion.h"
#include "server/error_mapping.h"
#include "server/unary_call.h"

namespace scoutlight::server {

// The results of a RegisterAll, gathered as they come; the last one ends the call. Thread-safe.
class AllResults {
 public:
  // `size` at least 1. `state`: a lower bound of what the results will speak of.
  AllResults(UnaryCall call, int size, const ShownState& state);

  // Each place once.
  void Set(int place, const ChangedInstance& changed);

 private:
  // For what results hold beside their instances. A thousand errors do not fit beside instances, but then there are no instances.
  static constexpr size_t kSlackBytes = 256 * limits::kKiB;
  static_assert(limits::kRegistrationsMax * kResultErrorBytesMax < limits::kAnswerBytesMax);

  const UnaryCall call_;
  Mutex mu_;
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;  // Of the instances.
  discovery::v1::RegisterAllResponse response_ ABSL_GUARDED_BY(mu_);
  int left_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_ALL_RESULTS_H_

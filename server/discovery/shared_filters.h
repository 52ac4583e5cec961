#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SHARED_FILTERS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SHARED_FILTERS_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "discovery/filter/filter.h"

namespace scoutlight::server {

// The filters of watches: equal ones share their regular expressions, of which there are at most `regexes_max` in all. Thread-safe.
class SharedFilters {
 public:
  explicit SharedFilters(int regexes_max) : regexes_max_(regexes_max) {}

  // A filter equal to `filter`, to be given back. kResourceExhausted, Reason::kStreamsFull: too many regular expressions.
  absl::StatusOr<discovery::Filter> Take(const discovery::Filter& filter);
  // One that was taken.
  void GiveBack(const discovery::Filter& filter);

 private:
  struct Shared {
    discovery::Filter filter;
    int users = 0;
  };

  const int regexes_max_;

  Mutex mu_;
  int regexes_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, Shared> filters_ ABSL_GUARDED_BY(mu_);  // By canonical text. Only those with regular expressions.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SHARED_FILTERS_H_

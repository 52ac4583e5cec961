#ifndef SCOUTLIGHT_CLIENT_HTTP_CALLER_LANES_H_
#define SCOUTLIGHT_CLIENT_HTTP_CALLER_LANES_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "client/http/lane.h"
#include "client/http/running_call.h"
#include "client/http_transport.h"

namespace scoutlight::client {

// The lanes of threads that make a call: each has one for the time of its call, so that no thread is switched for it, and they are kept
// with their connections for the next. The one that was used last comes first, so that those beyond what is needed fall idle. Thread-safe.
// Lock order: `mu_` before that of a Lane.
class CallerLanes {
 public:
  struct CallerLane {
    std::unique_ptr<Lane> lane;
    RunningCall* call = nullptr;  // The thread's that has it, to set while it drives the lane.
    size_t place = 0;             // In `out_`.
  };

  // At most `kept_max` are kept without a call. `clock` outlives this.
  CallerLanes(HttpTransportMaker maker, Clock* clock, size_t kept_max) : maker_(std::move(maker)), clock_(*clock), kept_max_(kept_max) {}

  // Errors as the maker's. To be given back, by the same thread.
  absl::StatusOr<std::unique_ptr<CallerLane>> Take();
  void GiveBack(std::unique_ptr<CallerLane> taken);

  // Cancels the calls of lanes that are out, and keeps no lane any more.
  void Close();

 private:
  void PutOut(CallerLane* taken) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const HttpTransportMaker maker_;
  Clock& clock_;
  const size_t kept_max_;
  Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::unique_ptr<CallerLane>> kept_ ABSL_GUARDED_BY(mu_);
  std::vector<CallerLane*> out_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_CALLER_LANES_H_

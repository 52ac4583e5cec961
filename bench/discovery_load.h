#ifndef SCOUTLIGHT_BENCH_DISCOVERY_LOAD_H_
#define SCOUTLIGHT_BENCH_DISCOVERY_LOAD_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/discovery_wire.h"
#include "bench/histogram.h"
#include "bench/measured_server.h"

// What changes of instances cost, and when a server has them again. Statuses: kUnavailable: no connection, or a call or stream ended;
// kDeadlineExceeded: something awaited did not come; kInternal: a server showed what it should not; kNotFound: no such server process.
namespace scoutlight::bench {

struct ChangesOptions {
  Fleet fleet;  // Registered; its first service is watched and changed.
  absl::Duration warm_up = absl::Seconds(1);
  absl::Duration duration = absl::Seconds(4);
};
struct ChangesResult {
  // Of each change without a Resolve: from sending its Update until that was answered, and until the watcher had read it. The commit lies
  // before both.
  Histogram answered;
  Histogram seen;
  Histogram resolved;  // From sending each Resolve until it was answered.
  struct Cost {
    int64_t changes = 0;
    absl::Duration server_cpu;
  };
  Cost alone;
  Cost with_resolve;
};
// One Watch of a service, and Updates of scattered instances of it, one at a time: the next one when the watcher has seen the last. In
// turn, some are made so, and some with a Resolve of the service as soon as they are answered, so that both meet the same machine. Blocks
// for warm_up and duration, and some tens of seconds at most.
absl::StatusOr<ChangesResult> MeasureChanges(const MeasuredServer& server, const ChangesOptions& options);

struct AwaitOptions {
  std::string service;    // That is resolved until that succeeds; empty: none.
  int64_t instances = 0;  // So many there must be in all, in the default cluster.
  absl::Duration timeout = absl::Seconds(60);
};
struct AwaitResult {
  absl::Duration resolved_at;  // As SteadyNow(), when the first Resolve succeeded.
  int64_t resident_bytes = 0;
};
// Asks once a millisecond until the server answers. Blocks for 10 s more than the timeout at most. kInternal: there are more or fewer
// instances.
absl::StatusOr<AwaitResult> AwaitInstances(const MeasuredServer& server, const AwaitOptions& options);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_DISCOVERY_LOAD_H_

#ifndef SCOUTLIGHT_BENCH_WATCH_LOAD_H_
#define SCOUTLIGHT_BENCH_WATCH_LOAD_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/histogram.h"
#include "bench/measured_server.h"
#include "bench/watch_wire.h"

// What watches cost. Each function blocks for the time of its measurement and some tens of seconds at most, and ends all its watches.
// Statuses: kUnavailable: no connection, or a call or stream ended; kDeadlineExceeded: something awaited did not come; kInternal: a watch
// showed what it should not; kNotFound: no such server process.
namespace scoutlight::bench {

struct FanOutOptions {
  int watchers = 1'000;  // Each a stream of its own, shared out over
  int connections = 5;   // so many; the puts have one more.
  int warm_up_rounds = 10;
  int rounds = 100;
  int keys = 0;  // 0: one key, which all watch. Else so many of a data set, scattered, and all watch the tree above them.
  size_t value_bytes = 128;
};
struct FanOutResult {
  Histogram last_event;  // From sending a put until the last watcher has read its event. One for each round.
  int64_t events = 0;
  absl::Duration server_cpu;  // Of all rounds that were measured.
};
// Puts what all watch; the next one when the put is answered and everybody has seen it.
absl::StatusOr<FanOutResult> MeasureFanOut(const MeasuredServer& server, const FanOutOptions& options);

struct DeliveryOptions {
  int puts_per_second = 1'000;
  absl::Duration warm_up = absl::Seconds(1);
  absl::Duration duration = absl::Seconds(4);
  size_t value_bytes = 128;
};
struct DeliveryResult {
  Histogram latency;        // From sending each put until its event was read.
  absl::Duration late_max;  // How far the generator was behind its own pace at most.
};
// One watch of a subtree while puts below it are sent at an even pace, whatever has become of those before. kResourceExhausted: over 2,048
// are not answered.
absl::StatusOr<DeliveryResult> MeasureDelivery(const MeasuredServer& server, const DeliveryOptions& options);

struct IdleOptions {
  WatchForm form = WatchForm::kStreamEach;
  int watches = 10'000;   // Each of a key of its own.
  int connections = 50;   // With kMultiplexed: 1, and one stream.
  absl::Duration settle;  // Between the last watch's start and the second look.
};
struct IdleResult {
  int64_t bytes_before = 0;  // Resident, with the connections standing.
  int64_t bytes_after = 0;
};
// Watches that see nothing. The server should be a fresh one: memory that it had and freed would not show.
absl::StatusOr<IdleResult> MeasureIdle(const MeasuredServer& server, const IdleOptions& options);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_WATCH_LOAD_H_

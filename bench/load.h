#ifndef SCOUTLIGHT_BENCH_LOAD_H_
#define SCOUTLIGHT_BENCH_LOAD_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/histogram.h"
#include "bench/requests.h"

namespace scoutlight::bench {

// So many calls of one operation are in flight at any time.
struct Part {
  Operation operation = Operation::kGet;
  int in_flight = 1;
};

struct LoadOptions {
  std::string server;  // "host:port", without TLS.
  Api api = Api::kRegistry;
  DataSet data;
  std::vector<Part> parts;
  int channels = 4;  // Connections, shared by the calls in turn.
  int threads = 1;   // That wait for answers and make the next call.
  absl::Duration warm_up = absl::Seconds(1);
  absl::Duration duration = absl::Seconds(5);
  // Makes so many calls, all measured, without a warm-up and at most for `duration`. A multiple of `data.keys` touches every key equally
  // often.
  std::optional<int64_t> calls;
  // The server's process, to measure its processor time.
  std::optional<pid_t> server_pid;
};

struct PartResult {
  Operation operation = Operation::kGet;
  int in_flight = 0;
  Histogram latency;  // Of the calls that succeeded.
};

struct LoadResult {
  absl::Duration measured;
  std::vector<PartResult> parts;  // In the order of LoadOptions::parts.
  int64_t failed_calls = 0;
  std::string first_failure;
  std::optional<absl::Duration> server_cpu;  // During `measured`.
  absl::Duration client_cpu;
};

// Makes unary calls in a closed loop and measures those that end in the measured time. Blocks: the connections get 10 s, and the calls in
// flight at the end 10 s more; if one does not end even then, the process exits with a failure. A run ends early after 100 failed calls;
// they are counted, not measured. Keys are taken in a fixed scattered order that touches all equally often.
// kUnavailable: no connection. kNotFound: no such server process.
absl::StatusOr<LoadResult> RunLoad(const LoadOptions& options);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_LOAD_H_

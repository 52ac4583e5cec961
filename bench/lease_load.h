#ifndef SCOUTLIGHT_BENCH_LEASE_LOAD_H_
#define SCOUTLIGHT_BENCH_LEASE_LOAD_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/histogram.h"
#include "bench/lease_wire.h"
#include "bench/measured_server.h"

// What leases cost. The server is a fresh one: each function grants the leases 1, 2, ... and leaves them. It blocks for that, for the time
// of its measurement, and some tens of seconds at most. Statuses: kUnavailable: no connection, or a call or stream ended;
// kDeadlineExceeded: something awaited did not come; kResourceExhausted: the server does not keep pace; kInternal: a lease was not renewed,
// or none ended; kNotFound: no such server process.
namespace scoutlight::bench {

struct KeepAliveOptions {
  RenewForm form = RenewForm::kStream;
  int leases = 100'000;
  absl::Duration ttl = absl::Minutes(10);     // Long, so that a machine that is busy while they are granted loses none.
  absl::Duration period = absl::Seconds(10);  // In which each is renewed once, evenly, as owners do with a TTL of 30 s.
  int leases_per_message = 1'000;             // With etcd: 1.
  absl::Duration warm_up = absl::Seconds(1);
  absl::Duration duration = absl::Seconds(10);
};
struct KeepAliveResult {
  int64_t renewals = 0;
  absl::Duration measured;
  absl::Duration server_cpu;
  Histogram latency;  // From sending a tenth of a second's renewals until the last is answered.
};
absl::StatusOr<KeepAliveResult> MeasureKeepAlives(const MeasuredServer& server, const KeepAliveOptions& options);

struct EndingsOptions {
  int leases = 100'000;  // With a key each; all are renewed for the last time as fast as it goes.
  absl::Duration ttl = absl::Seconds(60);
  int puts_per_second = 500;
  absl::Duration idle = absl::Seconds(5);  // Measured before leases end, and as long as
  absl::Duration busy = absl::Seconds(5);  // this while they do.
  size_t value_bytes = 128;
};
struct EndingsResult {
  Histogram idle;  // From sending a put until it is answered.
  Histogram busy;
  double ends_per_second = 0;  // By revisions, while `busy` was measured.
};
absl::StatusOr<EndingsResult> MeasureEndings(const MeasuredServer& server, const EndingsOptions& options);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_LEASE_LOAD_H_

#ifndef SCOUTLIGHT_BENCH_PROCESS_CPU_H_
#define SCOUTLIGHT_BENCH_PROCESS_CPU_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace scoutlight::bench {

// The processor time, user and system, that a process on this machine has taken since its start, as exact as the scheduler counts it. See
// clock_getcpuclockid(3). kNotFound: no such process.
absl::StatusOr<absl::Duration> ProcessCpu(pid_t pid);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_PROCESS_CPU_H_

#ifndef SCOUTLIGHT_BENCH_PROCESS_CPU_H_
#define SCOUTLIGHT_BENCH_PROCESS_CPU_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace scoutlight::bench {

// The processor time, user and system, that a process on this machine has taken since its start, in steps of the kernel's clock tick
// (10 ms as a rule). Read from /proc/PID/stat, see proc(5). kNotFound: no such process. kInternal: the file is not as documented.
absl::StatusOr<absl::Duration> ProcessCpu(pid_t pid);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_PROCESS_CPU_H_

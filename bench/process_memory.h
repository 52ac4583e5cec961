#ifndef SCOUTLIGHT_BENCH_PROCESS_MEMORY_H_
#define SCOUTLIGHT_BENCH_PROCESS_MEMORY_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/status/statusor.h"

namespace scoutlight::bench {

// The memory of a process on this machine that is in RAM now, shared pages included. Read from /proc/PID/statm, see proc(5).
// kNotFound: no such process. kInternal: the file is not as documented.
absl::StatusOr<int64_t> ResidentBytes(pid_t pid);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_PROCESS_MEMORY_H_

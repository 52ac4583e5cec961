#include "bench/process_cpu.h"

#include <ctime>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace scoutlight::bench {

absl::StatusOr<absl::Duration> ProcessCpu(pid_t pid) {
  clockid_t clock = 0;
  timespec taken{};
  // The second fails when the process has ended since the first.
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &taken) != 0) {
    return absl::NotFoundError(absl::StrCat("no process ", pid));
  }
  return absl::DurationFromTimespec(taken);
}

}  // namespace scoutlight::bench

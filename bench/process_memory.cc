#include "bench/process_memory.h"

#include <unistd.h>

#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace scoutlight::bench {

absl::StatusOr<int64_t> ResidentBytes(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/statm"));
  if (!file) return absl::NotFoundError(absl::StrCat("no process ", pid));
  int64_t size_pages = 0, resident_pages = 0;
  if (!(file >> size_pages >> resident_pages)) return absl::InternalError(absl::StrCat("/proc/", pid, "/statm is not as documented"));
  return resident_pages * sysconf(_SC_PAGESIZE);
}

}  // namespace scoutlight::bench

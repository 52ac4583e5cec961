#include "bench/process_cpu.h"

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace scoutlight::bench {

absl::StatusOr<absl::Duration> ProcessCpu(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  if (!file) return absl::NotFoundError(absl::StrCat("no process ", pid));
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  // The second field, the program's name, is in parentheses and may hold spaces: the third one starts after the last ')'.
  const size_t name_end = text.rfind(')');
  constexpr size_t kUserField = 14 - 3, kSystemField = 15 - 3;
  int64_t user_ticks = 0, system_ticks = 0;
  if (name_end != std::string::npos) {
    const std::vector<std::string> fields = absl::StrSplit(text.substr(name_end + 1), ' ', absl::SkipEmpty());
    if (fields.size() > kSystemField && absl::SimpleAtoi(fields[kUserField], &user_ticks) &&
        absl::SimpleAtoi(fields[kSystemField], &system_ticks)) {
      return absl::Seconds(user_ticks + system_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
    }
  }
  return absl::InternalError(absl::StrCat("/proc/", pid, "/stat is not as documented"));
}

}  // namespace scoutlight::bench

#include "cli/descendants.h"

#include <dirent.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "cli/input.h"

namespace scoutlight::cli {
namespace {

constexpr size_t kStatBytesMax = 4096;

// From "PID (NAME) STATE PARENT ...", where the name may hold anything. nullopt: it has ended.
std::optional<pid_t> ParentOf(pid_t process) {
  const absl::StatusOr<std::string> read = ReadFile(absl::StrCat("/proc/", process, "/stat"), kStatBytesMax);
  if (!read.ok()) return std::nullopt;
  const absl::string_view stat = *read;
  const size_t name_end = stat.rfind(')');
  if (name_end == absl::string_view::npos) return std::nullopt;
  const std::vector<absl::string_view> fields = absl::StrSplit(stat.substr(name_end + 1), ' ', absl::SkipEmpty());
  pid_t parent = 0;
  if (fields.size() < 2 || !absl::SimpleAtoi(fields[1], &parent)) return std::nullopt;
  return parent;
}

std::multimap<pid_t, pid_t> ProcessesByParent() {
  std::multimap<pid_t, pid_t> processes;
  DIR* const folder = opendir("/proc");
  if (folder == nullptr) return processes;
  while (const dirent* const entry = readdir(folder)) {
    pid_t process = 0;
    if (!absl::SimpleAtoi(entry->d_name, &process)) continue;
    if (const std::optional<pid_t> parent = ParentOf(process)) processes.emplace(*parent, process);
  }
  closedir(folder);
  return processes;
}

}  // namespace

std::vector<pid_t> DescendantsOf(pid_t ancestor) {
  const std::multimap<pid_t, pid_t> processes = ProcessesByParent();
  std::vector<pid_t> found;
  const auto add_children = [&](pid_t parent) {
    const auto [begin, end] = processes.equal_range(parent);
    for (auto child = begin; child != end; ++child) found.push_back(child->second);
  };
  add_children(ancestor);
  // It grows meanwhile. What was read of /proc is no snapshot: a cycle by a number that was used again ends with the number of processes.
  for (size_t i = 0; i < found.size() && found.size() <= processes.size(); ++i) add_children(found[i]);
  return found;
}

}  // namespace scoutlight::cli

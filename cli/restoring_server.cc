#include "cli/restoring_server.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "cli/until_stopped.h"

extern char** environ;

namespace scoutlight::cli {
namespace {

constexpr char kProgram[] = "scoutlightd";
constexpr absl::Duration kLookInterval = absl::Milliseconds(50);
constexpr int kExitUsage = 2;
// A line that says more is cut.
constexpr size_t kSaidMax = 4'096;

absl::Status SystemError(absl::string_view what, const std::string& path, int error) {
  return absl::UnknownError(absl::StrCat("cannot ", what, " ", path, ": ", strerror(error)));
}

bool IsProgram(const std::string& path) {
  struct stat found;
  return stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && access(path.c_str(), X_OK) == 0;
}

// What a line of the log says: its message, or the line, which is no JSON if the settings are wrong.
std::string MessageOf(const std::string& line) {
  const nlohmann::json parsed = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  const bool is_log = parsed.is_object() && parsed.contains("message") && parsed["message"].is_string();
  const std::string message = is_log ? parsed["message"].get<std::string>() : line;
  return message.substr(0, kSaidMax);
}

// The last line of the log; empty: there is none.
std::string LastSaid(const std::string& log_file) {
  std::ifstream log(log_file);
  std::string last;
  for (std::string line; std::getline(log, line);) {
    if (!line.empty()) last = std::move(line);
  }
  return MessageOf(last);
}

// Waits until the process has ended; kills it when a signal to stop comes. nullopt: that was so.
std::optional<int> AwaitEnd(pid_t process) {
  UntilStopped until(UntilStopped::WhenUnread::kGoesOn);
  for (;;) {
    int ended = 0;
    if (waitpid(process, &ended, WNOHANG) == process) return ended;
    if (!until.Wait(kLookInterval).has_value()) continue;
    kill(process, SIGKILL);
    waitpid(process, &ended, 0);
    return std::nullopt;
  }
}

}  // namespace

absl::StatusOr<TemporaryFolder> TemporaryFolder::Create() {
  const char* const parent = getenv("TMPDIR");
  std::string path = absl::StrCat(parent == nullptr || *parent == '\0' ? "/tmp" : parent, "/scoutctl-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return SystemError("make", path, errno);
  return TemporaryFolder(std::move(path));
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}

TemporaryFolder::~TemporaryFolder() {
  std::error_code gone;
  if (!path_.empty()) std::filesystem::remove_all(path_, gone);
}

absl::StatusOr<std::string> FindServerProgram() {
  std::error_code unknown;
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (!unknown) {
    if (const std::string beside = own.parent_path() / kProgram; IsProgram(beside)) return beside;
  }
  const char* const path = getenv("PATH");
  for (const absl::string_view folder : absl::StrSplit(path == nullptr ? "" : path, ':', absl::SkipEmpty())) {
    if (const std::string found = absl::StrCat(folder, "/", kProgram); IsProgram(found)) return found;
  }
  return absl::NotFoundError(absl::StrCat(kProgram, " is neither beside this program nor in $PATH: name it with --server"));
}

absl::StatusOr<std::string> RunRestoringServer(const std::string& program, const std::vector<std::string>& flags,
                                               const std::string& log_file) {
  std::vector<std::string> command = {program, "--restore-only", "--log-format=json", "--log-level=info"};
  command.insert(command.end(), flags.begin(), flags.end());
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t process = 0;
  const int failed = posix_spawn(&process, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return SystemError("run", program, failed);
  const std::optional<int> ended = AwaitEnd(process);
  if (!ended.has_value()) return absl::CancelledError("the restoration was stopped: restore again to begin anew");
  const std::string said = LastSaid(log_file);
  absl::string_view id = said;
  if (WIFEXITED(*ended) && WEXITSTATUS(*ended) == 0 && absl::ConsumePrefix(&id, "made store ")) return std::string(id);
  if (WIFEXITED(*ended) && WEXITSTATUS(*ended) == 0) return absl::UnknownError(absl::StrCat(program, " names no store; it said: ", said));
  if (WIFSIGNALED(*ended)) return absl::UnknownError(absl::StrCat(program, " was ended by signal ", WTERMSIG(*ended), "; it said: ", said));
  if (WEXITSTATUS(*ended) == kExitUsage) return absl::InvalidArgumentError(said);
  return absl::FailedPreconditionError(said);
}

}  // namespace scoutlight::cli

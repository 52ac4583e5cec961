#include "cli/restoring_server.h"

#include <fcntl.h>
#include <signal.h>
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
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

extern char** environ;

namespace scoutlight::cli {
namespace {

constexpr char kProgram[] = "scoutlightd";
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

// What the log says last, and of which store that it was made; empty: nothing.
struct Said {
  std::string last;
  std::string store_id;
};
Said ReadLog(const std::string& log_file) {
  std::ifstream log(log_file);
  Said said;
  for (std::string line; std::getline(log, line);) {
    if (line.empty()) continue;
    said.last = MessageOf(line);
    absl::string_view id = said.last;
    if (absl::ConsumePrefix(&id, "made store ")) said.store_id = std::string(id);
  }
  return said;
}

// The environment without what sets up scoutlightd: that is for another server than the one that is to be made.
std::vector<std::string> EnvironmentForServer() {
  std::vector<std::string> kept;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!absl::StartsWith(*variable, "SCOUTLIGHT_")) kept.emplace_back(*variable);
  }
  return kept;
}

std::vector<char*> PointersTo(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TemporaryFolder>> TemporaryFolder::Create() {
  const char* const parent = getenv("TMPDIR");
  std::string path = absl::StrCat(parent == nullptr || *parent == '\0' ? "/tmp" : parent, "/scoutctl-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return SystemError("make", path, errno);
  return std::unique_ptr<TemporaryFolder>(new TemporaryFolder(std::move(path)));
}

void TemporaryFolder::Remove() const {
  std::error_code gone;
  std::filesystem::remove_all(path_, gone);
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

absl::StatusOr<std::string> RestoringServer::Run(const std::string& program, const std::vector<std::string>& flags,
                                                 const std::string& log_file) {
  const absl::StatusOr<pid_t> process = Begin(program, flags, log_file);
  if (!process.ok()) return process.status();
  const int ended = AwaitEnd(*process);
  const Said said = ReadLog(log_file);
  if (WIFEXITED(ended) && WEXITSTATUS(ended) == 0 && !said.store_id.empty()) return said.store_id;
  const std::string how =
      WIFSIGNALED(ended) ? absl::StrCat("was ended by signal ", WTERMSIG(ended)) : absl::StrCat("ended with code ", WEXITSTATUS(ended));
  const std::string message = absl::StrCat(program, " ", how, said.last.empty() ? ", and said nothing" : ": ", said.last);
  if (WIFEXITED(ended) && WEXITSTATUS(ended) == kExitUsage) return absl::InvalidArgumentError(message);
  if (absl::StrContains(said.last, "etcd did not answer")) return absl::UnavailableError(message);
  return absl::FailedPreconditionError(message);
}

void RestoringServer::Kill() {
  MutexLock lock(&mu_);
  is_killed_ = true;
  if (process_ != 0) kill(process_, SIGKILL);
}

absl::StatusOr<pid_t> RestoringServer::Begin(const std::string& program, const std::vector<std::string>& flags,
                                             const std::string& log_file) {
  std::vector<std::string> command = {program, "--restore-only", "--log-format=json", "--log-level=info"};
  command.insert(command.end(), flags.begin(), flags.end());
  const std::vector<char*> arguments = PointersTo(command);
  std::vector<std::string> variables = EnvironmentForServer();
  const std::vector<char*> environment = PointersTo(variables);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  // Not those that are blocked here.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  // Signals of the terminal are for this program, which ends that one, or goes on where it is to ignore them.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  MutexLock lock(&mu_);
  const int failed =
      is_killed_ ? ECANCELED : posix_spawn(&process_, program.c_str(), &actions, &attributes, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed == 0) return process_;
  process_ = 0;
  if (failed == ECANCELED) return absl::CancelledError("it was stopped before it began");
  return SystemError("run", program, failed);
}

int RestoringServer::AwaitEnd(pid_t process) {
  siginfo_t info;
  while (waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  // Until here its number is nobody else's.
  MutexLock lock(&mu_);
  int ended = 0;
  waitpid(process, &ended, 0);
  process_ = 0;
  return ended;
}

}  // namespace scoutlight::cli

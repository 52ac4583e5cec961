#include "tests/support/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ostream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace scoutlight::testing {
namespace {

// Everything the child needs, made before the fork: after it, in a process that had threads, only system calls are safe.
struct Image {
  std::vector<char*> arguments;
  std::vector<char*> environment;
  const char* mount_path = nullptr;
  std::string mount_options;
  unsigned long mount_flags = 0;
  std::string user_map;
  std::string group_map;
  int output_fd = -1;
  int errors_fd = -1;
  pid_t parent = 0;
};

[[noreturn]] void Give(const char* problem) {
  (void)!write(STDERR_FILENO, problem, strlen(problem));
  _exit(126);
}

void WriteProc(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) Give("cannot map the user\n");
  close(fd);
}

// A mount needs a mount namespace, and that root or a user namespace.
void Mount(const Image& image) {
  if (unshare(CLONE_NEWNS) != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) Give("cannot unshare the mount namespace\n");
    WriteProc("/proc/self/setgroups", "deny");
    WriteProc("/proc/self/uid_map", image.user_map.c_str());
    WriteProc("/proc/self/gid_map", image.group_map.c_str());
  }
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) Give("cannot make mounts private\n");
  if (mount("tmpfs", image.mount_path, "tmpfs", image.mount_flags, image.mount_options.c_str()) != 0) Give("cannot mount a tmpfs\n");
}

[[noreturn]] void BecomeChild(const Image& image) {
  dup2(image.output_fd, STDOUT_FILENO);
  dup2(image.errors_fd, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // As in a terminal, though the tests may run in the background.
  for (const int ends : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) signal(ends, SIG_DFL);
  if (image.mount_path != nullptr) Mount(image);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != image.parent) _exit(126);
  execvpe(image.arguments[0], image.arguments.data(), image.environment.data());
  Give("cannot run the program\n");
}

std::vector<char*> Pointers(std::vector<std::string>* texts) {
  std::vector<char*> pointers;
  for (std::string& text : *texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!absl::StartsWith(*variable, "SCOUTLIGHT_")) environment.push_back(*variable);
  }
  for (const auto& [name, value] : added) environment.push_back(absl::StrCat(name, "=", value));
  return environment;
}

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(duration, absl::Milliseconds(1))));
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Exit& exit) {
  return exit.signal == 0 ? out << "exit code " << exit.code : out << "signal " << exit.signal;
}

Process::Process(ProcessOptions options) {
  std::vector<std::string> environment = Environment(options.environment);
  Image image;
  image.arguments = Pointers(&options.command);
  image.environment = Pointers(&environment);
  if (options.mount.has_value()) {
    image.mount_path = options.mount->path.c_str();
    image.mount_options = absl::StrCat("size=", options.mount->size);
    image.mount_flags = options.mount->read_only ? MS_RDONLY : 0;
    image.user_map = absl::StrCat("0 ", geteuid(), " 1");
    image.group_map = absl::StrCat("0 ", getegid(), " 1");
  }
  image.parent = getpid();
  // Closed on exec: another child started meanwhile must not keep them open.
  std::array<int, 2> output{};
  std::array<int, 2> errors{};
  if (pipe2(output.data(), O_CLOEXEC) != 0 || pipe2(errors.data(), O_CLOEXEC) != 0) {
    ADD_FAILURE() << "no pipes: " << strerror(errno);
    return;
  }
  image.output_fd = output[1];
  image.errors_fd = errors[1];
  pid_ = fork();
  if (pid_ == 0) BecomeChild(image);
  close(output[1]);
  close(errors[1]);
  if (pid_ < 0) ADD_FAILURE() << "no fork: " << strerror(errno);
  pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  collector_ = std::thread([this, output_fd = output[0], errors_fd = errors[0]] { Collect(output_fd, errors_fd); });
}

Process::~Process() {
  if (pid_ > 0) {
    Signal(SIGKILL);
    WaitForExit();
  }
  if (collector_.joinable()) collector_.join();
  if (pidfd_ >= 0) close(pidfd_);
}

void Process::Signal(int number) {
  const MutexLock lock(&mu_);
  if (pid_ > 0 && !exit_.has_value()) kill(pid_, number);
}

bool Process::Stop() {
  Signal(SIGSTOP);
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT) == 0 && info.si_code == CLD_STOPPED;
}

std::optional<Exit> Process::WaitForExit(absl::Duration bound) {
  const Deadline deadline(bound);
  pollfd ended = {.fd = pidfd_, .events = POLLIN, .revents = 0};
  while (poll(&ended, 1, Milliseconds(deadline.left())) < 0 && errno == EINTR) {
  }
  const MutexLock lock(&mu_);
  int status = 0;
  if (!exit_.has_value() && waitpid(pid_, &status, WNOHANG) == pid_) {
    exit_ = WIFEXITED(status) ? Exit{.code = WEXITSTATUS(status)} : Exit{.signal = WTERMSIG(status)};
  }
  if (!exit_.has_value()) return std::nullopt;
  while (!closed_ && !deadline.passed()) changed_.WaitFor(&mu_, deadline.left());
  return exit_;
}

std::string Process::output() {
  const MutexLock lock(&mu_);
  return output_;
}

std::string Process::errors() {
  const MutexLock lock(&mu_);
  return errors_;
}

bool Process::WaitForErrors(const std::function<bool(const std::string&)>& found, absl::Duration bound) {
  const Deadline deadline(bound);
  const MutexLock lock(&mu_);
  while (!found(errors_)) {
    if (closed_ || deadline.passed()) return false;
    changed_.WaitFor(&mu_, deadline.left());
  }
  return true;
}

void Process::Collect(int output_fd, int errors_fd) {
  std::array<pollfd, 2> streams = {{{.fd = output_fd, .events = POLLIN, .revents = 0}, {.fd = errors_fd, .events = POLLIN, .revents = 0}}};
  std::array<char, 4096> bytes{};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    if (poll(streams.data(), streams.size(), -1) < 0) continue;
    for (size_t i = 0; i < streams.size(); ++i) {
      if (streams[i].fd < 0 || streams[i].revents == 0) continue;
      const ssize_t read_bytes = read(streams[i].fd, bytes.data(), bytes.size());
      if (read_bytes < 0 && errno == EINTR) continue;
      if (read_bytes <= 0) {
        close(streams[i].fd);
        streams[i].fd = -1;
        continue;
      }
      const MutexLock lock(&mu_);
      (i == 0 ? output_ : errors_).append(bytes.data(), static_cast<size_t>(read_bytes));
      changed_.NotifyAll();
    }
  }
  const MutexLock lock(&mu_);
  closed_ = true;
  changed_.NotifyAll();
}

std::string RunToEnd(const std::vector<std::string>& command) {
  Process process({.command = command, .environment = {}, .mount = std::nullopt});
  EXPECT_EQ(process.WaitForExit(), Exit{.code = 0}) << absl::StrJoin(command, " ") << "\n" << process.errors();
  return process.output();
}

}  // namespace scoutlight::testing

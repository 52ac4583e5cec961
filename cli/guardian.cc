#include "cli/guardian.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "cli/descendants.h"

namespace scoutlight::cli {
namespace {

// Between two looks at what is still there of what has been killed.
constexpr int kKilledPauseMs = 20;

int64_t NowNs() { return absl::ToInt64Nanoseconds(Clock::System().SinceBoot()); }

int ExitedAs(int error) { return error == ENOENT ? 127 : 126; }

}  // namespace

Guardian::Guardian(GuardianOptions options) : options_(std::move(options)) {
  // What a terminal sends to all of its processes is the command's to answer, and scoutctl's.
  // Where it is ignored, nobody is told how a child ended.
  signal(SIGCHLD, SIG_DFL);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  children_fd_ = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
  // Goes on while the machine sleeps: what is overdue when it wakes up ends first of all.
  timer_fd_ = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  // What the command leaves without a parent becomes a child of this process.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void Guardian::Run() {
  if (children_fd_ < 0 || timer_fd_ < 0) _exit(1);
  for (;;) {
    pollfd watched[] = {{.fd = is_alone_ ? -1 : options_.orders, .events = POLLIN, .revents = 0},
                        {.fd = children_fd_, .events = POLLIN, .revents = 0},
                        {.fd = timer_fd_, .events = POLLIN, .revents = 0}};
    if (poll(watched, 3, -1) < 0) continue;
    // First what cannot wait.
    if (watched[2].revents != 0) TakeTimer();
    if (watched[1].revents != 0) TakeEnds();
    if (watched[0].revents != 0) TakeOrder();
  }
}

void Guardian::TakeOrder() {
  std::array<char, kOrderBytesMax> packet;
  const ssize_t bytes = recv(options_.orders, packet.data(), packet.size(), 0);
  if (bytes < static_cast<ssize_t>(sizeof(GuardianOrder))) {
    is_alone_ = true;
    if (command_ < 0) _exit(0);
    return End();
  }
  GuardianOrder order;
  memcpy(&order, packet.data(), sizeof(order));
  switch (order.kind) {
    case GuardianOrder::Kind::kStart:
      return Start(packet.data() + sizeof(order), static_cast<size_t>(bytes) - sizeof(order));
    case GuardianOrder::Kind::kSignal:
      if (command_ > 0) kill(command_, order.signal);
      return;
    case GuardianOrder::Kind::kDeadlines:
      // Once it is being ended it is.
      if (terminated_) return;
      term_at_ns_ = order.term_at_ns;
      kill_at_ns_ = order.kill_at_ns;
      return SetTimer();
    case GuardianOrder::Kind::kEnd:
      return End();
  }
}

void Guardian::Start(const char* variables, size_t bytes) {
  int failed[2];
  GuardianReport report{.kind = GuardianReport::Kind::kStarted, .number = 0, .was_overdue = 0};
  if (pipe2(failed, O_CLOEXEC) != 0) {
    report = {.kind = GuardianReport::Kind::kNotStarted, .number = errno, .was_overdue = 0};
  } else {
    const pid_t guardian = getpid();
    command_ = fork();
    if (command_ == 0) Become(guardian, variables, bytes, failed[1]);
    int error = errno;
    close(failed[1]);
    // Nothing: it has become the command.
    if (command_ < 0 || read(failed[0], &error, sizeof(error)) == static_cast<ssize_t>(sizeof(error))) {
      report = {.kind = GuardianReport::Kind::kNotStarted, .number = error, .was_overdue = 0};
    }
    close(failed[0]);
  }
  send(options_.orders, &report, sizeof(report), MSG_NOSIGNAL);
  if (report.kind == GuardianReport::Kind::kNotStarted) _exit(0);
  // What is due already ends it at once.
  SetTimer();
}

void Guardian::Become(pid_t guardian, const char* variables, size_t bytes, int failed_fd) const {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It was gone before that.
  if (getppid() != guardian) _exit(1);
  for (size_t begin = 0; begin < bytes; begin += strlen(variables + begin) + 1) putenv(const_cast<char*>(variables + begin));
  std::vector<char*> arguments;
  for (const std::string& argument : options_.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  // scoutctl ignores it; a command is not started so.
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &options_.signals_before, nullptr);
  execvp(arguments[0], arguments.data());
  const int error = errno;
  (void)!write(failed_fd, &error, sizeof(error));
  _exit(ExitedAs(error));
}

void Guardian::SetTimer() {
  const int64_t next_ns = terminated_ ? kill_at_ns_ : std::min(term_at_ns_, kill_at_ns_);
  itimerspec time{};
  if (next_ns != INT64_MAX) {
    // Zero would stop it.
    const int64_t at_ns = std::max<int64_t>(next_ns, 1);
    time.it_value = {.tv_sec = at_ns / 1'000'000'000, .tv_nsec = at_ns % 1'000'000'000};
  }
  timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &time, nullptr);
}

void Guardian::TakeTimer() {
  uint64_t times = 0;
  if (read(timer_fd_, &times, sizeof(times)) < 0 || command_ < 0) return;
  const int64_t now_ns = NowNs();
  if (now_ns < (terminated_ ? kill_at_ns_ : std::min(term_at_ns_, kill_at_ns_))) return SetTimer();
  if (!terminated_) was_overdue_ = true;
  if (now_ns >= kill_at_ns_) KillAll();
  Terminate();
}

void Guardian::End() {
  if (command_ < 0 || terminated_) return;
  kill_at_ns_ = std::min(kill_at_ns_, NowNs() + absl::ToInt64Nanoseconds(options_.grace));
  Terminate();
}

void Guardian::Terminate() {
  terminated_ = true;
  kill(command_, SIGTERM);
  // One that is stopped could not answer.
  kill(command_, SIGCONT);
  SetTimer();
}

void Guardian::TakeEnds() {
  signalfd_siginfo taken;
  while (read(children_fd_, &taken, sizeof(taken)) > 0) {
  }
  int status = 0;
  for (pid_t ended = 0; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (ended != command_) continue;
    command_ended_ = true;
    command_status_ = status;
  }
  if (!command_ended_) return;
  // Of one that was ended nothing may go on.
  if (terminated_) KillAll();
  Finish();
}

void Guardian::KillAll() {
  for (;;) {
    for (const pid_t process : DescendantsOf(getpid())) kill(process, SIGKILL);
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
      if (ended != command_) continue;
      command_ended_ = true;
      command_status_ = status;
    }
    if (ended < 0 && errno == ECHILD) Finish();
    poll(nullptr, 0, kKilledPauseMs);
  }
}

void Guardian::Finish() {
  const GuardianReport report{.kind = GuardianReport::Kind::kEnded, .number = command_status_, .was_overdue = was_overdue_ ? 1 : 0};
  send(options_.orders, &report, sizeof(report), MSG_NOSIGNAL);
  _exit(0);
}

}  // namespace scoutlight::cli

#include "cli/guarded_command.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/shown.h"
#include "cli/exit_code.h"
#include "cli/guardian.h"
#include "cli/guardian_packets.h"

namespace scoutlight::cli {
namespace {

constexpr absl::Duration kWaitMax = absl::Hours(1);
// As a shell tells it.
constexpr int kSignalCodes = 128;
constexpr int kCodeCannotRun = 126;
constexpr int kCodeNoProgram = 127;

sigset_t TakenSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) sigaddset(&signals, signal);
  return signals;
}

absl::Status SystemError(absl::string_view what, int error) {
  return absl::ResourceExhaustedError(absl::StrCat("cannot ", what, ": ", strerror(error)));
}

int CodeOf(int wait_status) { return WIFSIGNALED(wait_status) ? kSignalCodes + WTERMSIG(wait_status) : WEXITSTATUS(wait_status); }

bool SendOrder(int socket, const GuardianOrder& order, absl::string_view rest = "") {
  std::string packet(reinterpret_cast<const char*>(&order), sizeof(order));
  absl::StrAppend(&packet, rest);
  return send(socket, packet.data(), packet.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(packet.size());
}

GuardianOrder OrderOf(GuardianOrder::Kind kind) { return {.kind = kind, .signal = 0, .term_at_ns = 0, .kill_at_ns = 0}; }

}  // namespace

absl::StatusOr<std::unique_ptr<GuardedCommand>> GuardedCommand::Prepare(Options options) {
  int sockets[2];
  std::string program = options.arguments.front();
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return SystemError("make a socket", errno);
  const sigset_t signals = TakenSignals();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &signals, &before);
  const pid_t guardian = fork();
  if (guardian == 0) {
    close(sockets[0]);
    Guardian({.orders = sockets[1], .arguments = std::move(options.arguments), .grace = options.grace, .signals_before = before}).Run();
  }
  const int error = errno;
  close(sockets[1]);
  if (guardian < 0) {
    close(sockets[0]);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return SystemError("start a process", error);
  }
  std::unique_ptr<GuardedCommand> prepared(new GuardedCommand(std::move(program), signals, before, sockets[0], guardian));
  if (prepared->signals_fd_ < 0 || prepared->woken_fd_ < 0) return SystemError("wait for signals", errno);
  return prepared;
}

GuardedCommand::GuardedCommand(std::string program, sigset_t signals, sigset_t signals_before, int guardian_socket, pid_t guardian)
    : program_(std::move(program)),
      signals_before_(signals_before),
      signals_fd_(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)),
      woken_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      socket_(guardian_socket),
      guardian_(guardian) {}

GuardedCommand::~GuardedCommand() {
  if (socket_ >= 0) close(socket_);
  while (waitpid(guardian_, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (signals_fd_ >= 0) close(signals_fd_);
  if (woken_fd_ >= 0) close(woken_fd_);
  sigprocmask(SIG_SETMASK, &signals_before_, nullptr);
}

absl::Status GuardedCommand::Start(const std::vector<std::string>& variables) {
  std::string rest;
  for (const std::string& variable : variables) absl::StrAppend(&rest, variable, absl::string_view("\0", 1));
  GuardianReport report;
  if (!SendOrder(socket_, OrderOf(GuardianOrder::Kind::kStart), rest) ||
      recv(socket_, &report, sizeof(report), 0) != static_cast<ssize_t>(sizeof(report))) {
    return absl::InternalError("the process between scoutctl and the command is gone");
  }
  if (report.kind != GuardianReport::Kind::kNotStarted) return absl::OkStatus();
  const bool is_missing = report.number == ENOENT;
  const absl::string_view why = is_missing ? "there is no such program" : strerror(report.number);
  return WithExitCode(absl::Status(is_missing ? absl::StatusCode::kNotFound : absl::StatusCode::kUnknown,
                                   absl::StrCat("cannot run ", Shown(program_), ": ", why)),
                      static_cast<ExitCode>(is_missing ? kCodeNoProgram : kCodeCannotRun));
}

void GuardedCommand::Signal(int number) {
  GuardianOrder order = OrderOf(GuardianOrder::Kind::kSignal);
  order.signal = number;
  if (socket_ >= 0) SendOrder(socket_, order);
}

void GuardedCommand::SetDeadlines(absl::Duration term_at, absl::Duration kill_at) {
  GuardianOrder order = OrderOf(GuardianOrder::Kind::kDeadlines);
  order.term_at_ns = absl::ToInt64Nanoseconds(term_at);
  order.kill_at_ns = absl::ToInt64Nanoseconds(kill_at);
  if (socket_ >= 0) SendOrder(socket_, order);
}

void GuardedCommand::End() {
  if (socket_ >= 0) SendOrder(socket_, OrderOf(GuardianOrder::Kind::kEnd));
}

std::optional<GuardedCommand::Happening::Ended> GuardedCommand::TakeReport() {
  GuardianReport report;
  const bool told = recv(socket_, &report, sizeof(report), 0) == static_cast<ssize_t>(sizeof(report));
  close(std::exchange(socket_, -1));
  // Whoever killed the guardian has killed the command with it.
  if (!told) return Happening::Ended{.code = kSignalCodes + SIGKILL, .was_overdue = false};
  return Happening::Ended{.code = CodeOf(report.number), .was_overdue = report.was_overdue != 0};
}

GuardedCommand::Happening GuardedCommand::Wait(absl::Duration timeout) {
  pollfd watched[] = {{.fd = socket_, .events = POLLIN, .revents = 0},
                      {.fd = signals_fd_, .events = POLLIN, .revents = 0},
                      {.fd = woken_fd_, .events = POLLIN, .revents = 0}};
  const absl::Duration bounded = std::clamp(absl::Ceil(timeout, absl::Milliseconds(1)), absl::ZeroDuration(), kWaitMax);
  Happening happening;
  if (poll(watched, 3, static_cast<int>(absl::ToInt64Milliseconds(bounded))) <= 0) return happening;
  eventfd_t woken = 0;
  if (watched[2].revents != 0) eventfd_read(woken_fd_, &woken);
  signalfd_siginfo taken;
  if (watched[1].revents != 0 && read(signals_fd_, &taken, sizeof(taken)) == static_cast<ssize_t>(sizeof(taken))) {
    happening.signal = {.number = static_cast<int>(taken.ssi_signo), .is_from_terminal = taken.ssi_code == SI_KERNEL};
  }
  if (watched[0].revents != 0) happening.ended = TakeReport();
  return happening;
}

// Cannot fail: the counter is far from full.
void GuardedCommand::Wake() { eventfd_write(woken_fd_, 1); }

}  // namespace scoutlight::cli

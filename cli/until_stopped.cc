#include "cli/until_stopped.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace scoutlight::cli {
namespace {

// poll() takes at most 2^31 ms, and is asked again by who waits.
constexpr absl::Duration kWaitMax = absl::Hours(1);

// As where nobody runs the command in a terminal's foreground: `nohup`, `&` of a script.
bool IsIgnored(int signal) {
  struct sigaction action;
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

StopSignalsBlocked::StopSignalsBlocked() {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    if (!IsIgnored(signal)) sigaddset(&signals_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

StopSignalsBlocked::~StopSignalsBlocked() { Release(); }

void StopSignalsBlocked::Release() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

UntilStopped::UntilStopped(WhenUnread when_unread)
    : when_unread_(when_unread), signals_fd_(signalfd(-1, &blocked_.signals(), SFD_CLOEXEC)), ended_fd_(eventfd(0, EFD_CLOEXEC)) {}

UntilStopped::~UntilStopped() {
  if (signals_fd_ >= 0) close(signals_fd_);
  if (ended_fd_ >= 0) close(ended_fd_);
}

absl::StatusOr<std::unique_ptr<UntilStopped>> UntilStopped::Create(WhenUnread when_unread) {
  std::unique_ptr<UntilStopped> made(new UntilStopped(when_unread));
  if (made->signals_fd_ >= 0 && made->ended_fd_ >= 0) return made;
  return absl::ResourceExhaustedError(absl::StrCat("cannot wait for signals: ", strerror(errno)));
}

void UntilStopped::End(absl::Status status) {
  {
    const MutexLock lock(&mu_);
    if (ended_.has_value()) return;
    ended_ = std::move(status);
  }
  // Cannot fail: the counter is far from full.
  eventfd_write(ended_fd_, 1);
}

std::optional<absl::Status> UntilStopped::Wait(absl::Duration timeout) {
  // With no event asked for, poll tells of a pipe whose reader is gone. A negative descriptor is passed over.
  pollfd watched[] = {{.fd = ended_fd_, .events = POLLIN, .revents = 0},
                      {.fd = signals_fd_, .events = POLLIN, .revents = 0},
                      {.fd = when_unread_ == WhenUnread::kStops ? STDOUT_FILENO : -1, .events = 0, .revents = 0}};
  const absl::Duration bounded = std::clamp(absl::Ceil(timeout, absl::Milliseconds(1)), absl::ZeroDuration(), kWaitMax);
  if (poll(watched, 3, static_cast<int>(absl::ToInt64Milliseconds(bounded))) <= 0) return std::nullopt;
  if (watched[0].revents != 0) {
    const MutexLock lock(&mu_);
    return ended_;
  }
  signalfd_siginfo taken;
  // Taken, so that it does not end the process once the signals are let through again.
  if (watched[1].revents != 0 && read(signals_fd_, &taken, sizeof(taken)) == static_cast<ssize_t>(sizeof(taken))) {
    signal_ = static_cast<int>(taken.ssi_signo);
  }
  return absl::OkStatus();
}

}  // namespace scoutlight::cli

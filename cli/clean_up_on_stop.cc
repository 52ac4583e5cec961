#include "cli/clean_up_on_stop.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace scoutlight::cli {
namespace {

// As where nobody runs the command in a terminal's foreground: `nohup`, `&` of a script.
bool IsIgnored(int signal) {
  struct sigaction action;
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void EndBy(int signal, const sigset_t& blocked) {
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  raise(signal);
}

}  // namespace

CleanUpOnStop::CleanUpOnStop(std::function<void()> clean_up)
    : clean_up_(std::move(clean_up)),
      signals_fd_(signalfd(-1, &blocked_.signals(), SFD_CLOEXEC)),
      ended_fd_(eventfd(0, EFD_CLOEXEC)),
      thread_([this] { Wait(); }) {}

CleanUpOnStop::~CleanUpOnStop() {
  // Cannot fail: the counter is far from full.
  eventfd_write(ended_fd_, 1);
  thread_.join();
  close(signals_fd_);
  close(ended_fd_);
}

void CleanUpOnStop::Wait() {
  pollfd watched[] = {{.fd = ended_fd_, .events = POLLIN, .revents = 0}, {.fd = signals_fd_, .events = POLLIN, .revents = 0}};
  signalfd_siginfo taken;
  for (;;) {
    const int ready = poll(watched, 2, -1);
    if (ready < 0 && errno == EINTR) continue;
    // A signal that is left then ends the process when it is let through again.
    if (ready < 0 || watched[0].revents != 0) return;
    if (read(signals_fd_, &taken, sizeof(taken)) != sizeof(taken)) return;
    const int signal = static_cast<int>(taken.ssi_signo);
    if (IsIgnored(signal)) continue;
    clean_up_();
    EndBy(signal, blocked_.signals());
  }
}

}  // namespace scoutlight::cli

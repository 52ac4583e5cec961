#include "server/stop_signal.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace scoutlight::server {
namespace {

constexpr int kExitForced = 1;

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

StopSignal::StopSignal(absl::Duration stop_time_max) {
  const sigset_t signals = StopSignals();
  // Threads inherit the mask: only Watch() takes the signals.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([this, stop_time_max] { Watch(stop_time_max); }).detach();
}

void StopSignal::Wait() {
  const MutexLock lock(&mu_);
  while (!arrived_) arrived_cv_.Wait(&mu_);
}

void StopSignal::Watch(absl::Duration stop_time_max) {
  const sigset_t signals = StopSignals();
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  {
    const MutexLock lock(&mu_);
    arrived_ = true;
  }
  arrived_cv_.NotifyAll();
  const timespec limit = absl::ToTimespec(stop_time_max);
  while (sigtimedwait(&signals, nullptr, &limit) < 0 && errno == EINTR) {
  }
  _exit(kExitForced);
}

}  // namespace scoutlight::server

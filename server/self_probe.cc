#include "server/self_probe.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace scoutlight::server {
namespace {

// No client's first bytes: with TLS or without, the server answers them or closes the connection.
constexpr char kNonsense[] = "scoutlight asks itself\r\n\r\n";

// Where to reach a server that listens on `host`: all interfaces are reached through the loopback one.
std::string HostToReach(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  return host == "::" ? "::1" : host;
}

bool WaitFor(int fd, short events, int timeout_ms) {
  pollfd waiting{.fd = fd, .events = events, .revents = 0};
  return poll(&waiting, 1, timeout_ms) > 0;
}

bool Answers(const addrinfo& address, int timeout_ms) {
  const int fd = socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol);
  if (fd < 0) return false;
  // The connection stands as soon as the kernel has queued it; only bytes, or the end, show that somebody has taken it.
  connect(fd, address.ai_addr, address.ai_addrlen);
  bool answers = WaitFor(fd, POLLOUT, timeout_ms) && send(fd, kNonsense, sizeof(kNonsense) - 1, MSG_NOSIGNAL) > 0;
  answers = answers && WaitFor(fd, POLLIN, timeout_ms);
  close(fd);
  return answers;
}

}  // namespace

bool AnswersConnections(const ListenAddress& address, absl::Duration timeout) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(HostToReach(address.host).c_str(), absl::StrCat(address.port).c_str(), &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (Answers(*each, static_cast<int>(absl::ToInt64Milliseconds(timeout)))) return true;
  }
  return false;
}

SelfProbe::SelfProbe(ListenAddress address, SelfProbeOptions options, std::function<void()> on_deaf)
    : address_(std::move(address)), options_(options), on_deaf_(std::move(on_deaf)), thread_([this] { Loop(); }) {}

SelfProbe::~SelfProbe() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.join();
}

void SelfProbe::Loop() {
  for (int failures = 0; failures < options_.failures_max;) {
    {
      MutexLock lock(&mu_);
      if (!stopping_) wake_.WaitFor(&mu_, options_.interval);
      if (stopping_) return;
    }
    failures = AnswersConnections(address_, options_.timeout) ? 0 : failures + 1;
  }
  on_deaf_();
}

}  // namespace scoutlight::server

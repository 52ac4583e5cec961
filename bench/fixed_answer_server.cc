#include "bench/fixed_answer_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <vector>

#include "absl/strings/string_view.h"

namespace scoutlight::bench {
namespace {

constexpr absl::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
constexpr size_t kConnectionsMax = 64;

// False: the connection is over.
bool Serve(int fd) {
  char request[4096];
  if (recv(fd, request, sizeof(request), 0) <= 0) return false;
  return send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(kAnswer.size());
}

[[noreturn]] void ServeForEver(int listener) {
  std::vector<pollfd> polled = {{.fd = listener, .events = POLLIN, .revents = 0}};
  for (;;) {
    if (poll(polled.data(), polled.size(), -1) < 0) _exit(1);
    for (size_t i = polled.size(); i-- > 1;) {
      if (polled[i].revents == 0 || Serve(polled[i].fd)) continue;
      close(polled[i].fd);
      polled.erase(polled.begin() + static_cast<ptrdiff_t>(i));
    }
    if (polled[0].revents == 0 || polled.size() > kConnectionsMax) continue;
    const int fd = accept(listener, nullptr, nullptr);
    const int on = 1;
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) _exit(1);
    polled.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  }
}

}  // namespace

FixedAnswerServer::FixedAnswerServer() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || bind(listener, any, length) != 0 || listen(listener, 64) != 0 || getsockname(listener, any, &length) != 0)
    std::abort();
  port_ = ntohs(address.sin_port);
  child_ = fork();
  if (child_ < 0) std::abort();
  if (child_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ServeForEver(listener);
  }
  close(listener);
}

FixedAnswerServer::~FixedAnswerServer() {
  kill(child_, SIGKILL);
  waitpid(child_, nullptr, 0);
}

}  // namespace scoutlight::bench

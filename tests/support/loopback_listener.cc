#include "tests/support/loopback_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace scoutlight::testing {
namespace {

constexpr int kBacklog = 1024;

}  // namespace

LoopbackListener::LoopbackListener(Accepting accepting)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (accepting == Accepting::kDoesNotBlock ? SOCK_NONBLOCK : 0), 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd_, any, length) != 0 || listen(fd_, kBacklog) != 0 || getsockname(fd_, any, &length) != 0) {
    perror("no port of 127.0.0.1 to listen at");
    std::abort();
  }
  port_ = ntohs(address.sin_port);
}

LoopbackListener::~LoopbackListener() { close(fd_); }

}  // namespace scoutlight::testing

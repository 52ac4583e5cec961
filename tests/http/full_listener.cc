#include "tests/http/full_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace scoutlight::testing {
namespace {

constexpr int kQueueMax = 16;
// The kernel connects over loopback at once, or drops what comes.
constexpr int kConnectsWithinMs = 200;

[[noreturn]] void Fail(const char* what) {
  perror(what);
  std::abort();
}

// False: it does not come to be connected.
bool IsConnected(int fd) {
  pollfd polled = {.fd = fd, .events = POLLOUT, .revents = 0};
  return poll(&polled, 1, kConnectsWithinMs) == 1;
}

}  // namespace

FullListener::FullListener() {
  if (listen(listener_.fd(), 0) != 0) Fail("no short queue");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(listener_.port());
  do {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || queued_.size() == kQueueMax) Fail("a queue that does not become full");
    queued_.push_back(fd);
    connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  } while (IsConnected(queued_.back()));
}

FullListener::~FullListener() {
  for (const int fd : queued_) close(fd);
}

}  // namespace scoutlight::testing

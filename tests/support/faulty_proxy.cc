#include "tests/support/faulty_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace scoutlight::testing {
namespace {

sockaddr_in AddressOf(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  int port = 0;
  if (parts.size() == 2 && absl::SimpleAtoi(parts[1], &port)) inet_pton(AF_INET, parts[0].c_str(), &address.sin_addr);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// -1: nobody can be there. Whether somebody is shows when it is used.
int Connect(absl::string_view target) {
  const sockaddr_in address = AddressOf(target);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 || errno == EINPROGRESS) return fd;
  close(fd);
  return -1;
}

void Reset(int fd) {
  if (fd < 0) return;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(fd);
}

// Bytes on their way from one end to the other.
struct Direction {
  std::string buffer;
  bool ended = false;  // The sender has closed.
};

}  // namespace

struct FaultyProxy::Connection {
  explicit Connection(int with_client, int with_server) : fds{with_client, with_server} {}
  ~Connection() {
    for (const int fd : fds) Reset(fd);
  }

  std::array<int, 2> fds;               // The client's end and the server's; -1: there is none.
  std::array<Direction, 2> directions;  // From the end with that number.
  bool dead = false;                    // Lost in a black hole.
  bool over = false;

  short Wanted(size_t end) const {
    if (dead) return POLLIN;
    const bool reads = directions[end].buffer.size() < kBufferBytes && !directions[end].ended;
    return static_cast<short>((reads ? POLLIN : 0) | (directions[1 - end].buffer.empty() ? 0 : POLLOUT));
  }

  void Serve(size_t end, short events) {
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) Read(end);
    if ((events & POLLOUT) != 0 && !over) Write(end);
  }

 private:
  void Read(size_t end) {
    std::array<char, 16 * 1024> bytes;
    const ssize_t count = recv(fds[end], bytes.data(), bytes.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (dead) {
      // Nobody is told.
      if (count <= 0) Reset(std::exchange(fds[end], -1));
      over = fds[0] < 0 && fds[1] < 0;
      return;
    }
    if (count < 0) {
      over = true;
    } else if (count == 0) {
      directions[end].ended = true;
      CloseIfSent(end);
    } else {
      directions[end].buffer.append(bytes.data(), static_cast<size_t>(count));
      Write(1 - end);
    }
  }

  void Write(size_t end) {
    std::string& buffer = directions[1 - end].buffer;
    const ssize_t count = send(fds[end], buffer.data(), buffer.size(), MSG_NOSIGNAL);
    if (count < 0) {
      over = errno != EAGAIN && errno != EINTR;
      return;
    }
    buffer.erase(0, static_cast<size_t>(count));
    CloseIfSent(1 - end);
  }

  // Tells the other end that this one has closed, once it has everything.
  void CloseIfSent(size_t end) {
    if (!directions[end].ended || !directions[end].buffer.empty()) return;
    shutdown(fds[1 - end], SHUT_WR);
    over = directions[1 - end].ended && directions[1 - end].buffer.empty();
    if (!over) return;
    // Not reset, which could take back what the kernel has still to send.
    for (int& fd : fds) close(std::exchange(fd, -1));
  }
};

FaultyProxy::FaultyProxy(absl::string_view target)
    : address_(absl::StrCat("127.0.0.1:", listener_.port())), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), target_(target) {
  thread_ = std::thread([this] { Run(); });
}

FaultyProxy::~FaultyProxy() {
  {
    const MutexLock lock(&mu_);
    over_ = true;
  }
  eventfd_write(wake_, 1);
  thread_.join();
  close(wake_);
}

void FaultyProxy::SetTarget(absl::string_view target) {
  const MutexLock lock(&mu_);
  target_ = std::string(target);
}

void FaultyProxy::Set(Mode mode) {
  const MutexLock lock(&mu_);
  mode_ = mode;
  const int64_t asked = ++asked_;
  eventfd_write(wake_, 1);
  while (seen_ < asked) changed_.Wait(&mu_);
}

void FaultyProxy::Run() {
  while (Turn()) {
  }
  connections_.clear();
}

bool FaultyProxy::Turn() {
  Mode mode;
  {
    const MutexLock lock(&mu_);
    if (over_) return false;
    mode = mode_;
    if (mode == Mode::kReset) connections_.clear();
    for (const auto& connection : connections_) connection->dead |= mode == Mode::kBlackHole;
    seen_ = asked_;
    changed_.NotifyAll();
  }
  std::vector<pollfd> polled = {{.fd = wake_, .events = POLLIN}, {.fd = listener_.fd(), .events = POLLIN}};
  for (const auto& connection : connections_) {
    // poll leaves out what is negative.
    const bool still = mode == Mode::kStall && !connection->dead;
    for (const size_t end : {0, 1}) polled.push_back({.fd = still ? -1 : connection->fds[end], .events = connection->Wanted(end)});
  }
  if (poll(polled.data(), polled.size(), -1) < 0) return true;
  eventfd_t woken = 0;
  if (polled[0].revents != 0) {
    // What is to be done may have changed: nothing is done by the mode of before.
    eventfd_read(wake_, &woken);
    return true;
  }
  for (size_t i = 0; i < connections_.size(); ++i) {
    for (const size_t end : {0, 1}) {
      const short events = polled[2 + 2 * i + end].revents;
      if (events != 0 && !connections_[i]->over) connections_[i]->Serve(end, events);
    }
  }
  std::erase_if(connections_, [](const auto& connection) { return connection->over; });
  if (polled[1].revents != 0) TakeNew(mode);
  return true;
}

void FaultyProxy::TakeNew(Mode mode) {
  const int fd = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  std::string target;
  {
    const MutexLock lock(&mu_);
    target = target_;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (mode == Mode::kReset || connections_.size() == kConnectionsMax) return Reset(fd);
  // What a black hole takes leads nowhere.
  const int with_server = mode == Mode::kBlackHole ? -1 : Connect(target);
  if (with_server < 0 && mode != Mode::kBlackHole) return Reset(fd);
  if (with_server >= 0) setsockopt(with_server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  connections_.push_back(std::make_unique<Connection>(fd, with_server));
  connections_.back()->dead = mode == Mode::kBlackHole;
}

}  // namespace scoutlight::testing

#ifndef SCOUTLIGHT_CLIENT_GATES_RAW_PEER_H_
#define SCOUTLIGHT_CLIENT_GATES_RAW_PEER_H_

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace scoutlight::client {

// A TCP connection on loopback whose bytes the test says itself. Ends the program when a call fails, or waits for a minute.
class RawConnection {
 public:
  explicit RawConnection(int descriptor) : descriptor_(descriptor) {}
  // To the port at the end of `url`.
  static RawConnection To(const std::string& url) {
    RawConnection connection = Towards(url);
    connection.AwaitConnected();
    return connection;
  }
  // The same without waiting until it stands; nothing is sent or received over it.
  static RawConnection Towards(const std::string& url) {
    RawConnection connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    connection.Connect(url);
    return connection;
  }
  // The same in the middle: its other end waits for the last packet of the handshake (state 3 of proc(5)'s net/tcp) until EndHandshake(),
  // because this one takes nothing that comes from so far.
  static RawConnection HalfTo(const std::string& url) {
    RawConnection connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    connection.TakeFromHops(255);
    connection.Connect(url);
    return connection;
  }
  // Waits until it stands, which is when the other end has sent its answer again.
  void EndHandshake() {
    TakeFromHops(0);
    AwaitConnected();
  }
  RawConnection(RawConnection&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ~RawConnection() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  // What both ends of a connection say first (SP TCP mapping, rfc/sp-tcp-mapping-01 of nanomsg): REQ is 48, REP 49, PUSH 80, PULL 81.
  void Greet(uint8_t protocol) const {
    const char greeting[] = {0, 'S', 'P', 0, 0, static_cast<char>(protocol), 0, 0};
    Send(absl::string_view(greeting, sizeof(greeting)));
  }
  void SendMessage(absl::string_view body) const {
    std::string bytes;
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(uint64_t{body.size()} >> shift));
    Send(absl::StrCat(bytes, body));
  }
  void Send(absl::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) std::abort();
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // Whether both ends know of it.
  bool stands() const {
    tcp_info info = {};
    socklen_t bytes = sizeof(info);
    return getsockopt(descriptor_, IPPROTO_TCP, TCP_INFO, &info, &bytes) == 0 && info.tcpi_state == TCP_ESTABLISHED;
  }
  // Some of what comes, at most `bytes_max`; empty: the other end has hung up.
  std::string Receive(size_t bytes_max) const {
    AwaitReadable(descriptor_);
    std::string bytes(bytes_max, '\0');
    const ssize_t received = recv(descriptor_, bytes.data(), bytes.size(), 0);
    bytes.resize(received < 0 ? 0 : static_cast<size_t>(received));
    return bytes;
  }
  static void AwaitReadable(int descriptor) {
    pollfd readable = {.fd = descriptor, .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, 60'000) != 1) std::abort();
  }

 private:
  void Connect(const std::string& url) const {
    sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 && errno != EINPROGRESS) std::abort();
  }
  void AwaitConnected() const {
    pollfd writable = {.fd = descriptor_, .events = POLLOUT, .revents = 0};
    if (poll(&writable, 1, 60'000) != 1 || !stands()) std::abort();
    fcntl(descriptor_, F_SETFL, 0);
  }
  void TakeFromHops(int hops_min) const {
    if (setsockopt(descriptor_, IPPROTO_IP, IP_MINTTL, &hops_min, sizeof(hops_min)) != 0) std::abort();
  }

  int descriptor_;
};

// A port at which connections are taken in, and nothing is said. The first few dozen are also without Accept(), by the system.
class RawListener {
 public:
  RawListener() : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof(address);
    if (bind(descriptor_, reinterpret_cast<sockaddr*>(&address), bytes) != 0 || listen(descriptor_, 64) != 0 ||
        getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &bytes) != 0) {
      std::abort();
    }
    url_ = absl::StrCat("tcp://127.0.0.1:", ntohs(address.sin_port));
  }
  ~RawListener() { close(descriptor_); }
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  const std::string& url() const { return url_; }
  RawConnection Accept() const {
    RawConnection::AwaitReadable(descriptor_);
    return RawConnection(accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  const int descriptor_;
  std::string url_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_RAW_PEER_H_

#include "tests/support/raw_connection.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace scoutlight::testing {
namespace {

bool WaitFor(int fd, short events, const Deadline& deadline) {
  pollfd wanted = {.fd = fd, .events = events, .revents = 0};
  return poll(&wanted, 1, static_cast<int>(absl::ToInt64Milliseconds(deadline.left()))) > 0;
}

// HPACK (RFC 7541, 6.2.2), a literal without indexing whose name is new; neither string is Huffman-coded nor longer than 126 bytes.
std::string Header(absl::string_view name, absl::string_view value) {
  return absl::StrCat(absl::string_view("\0", 1), std::string(1, static_cast<char>(name.size())), name,
                      std::string(1, static_cast<char>(value.size())), value);
}

}  // namespace

RawConnection::RawConnection(const std::string& address) {
  const std::vector<std::string> parts = absl::StrSplit(address, ':');
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  int port = 0;
  const bool is_address =
      parts.size() == 2 && absl::SimpleAtoi(parts[1], &port) && inet_pton(AF_INET, parts[0].c_str(), &peer.sin_addr) == 1;
  peer.sin_port = htons(static_cast<uint16_t>(port));
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (!is_address || connect(fd_, reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)) != 0) {
    ADD_FAILURE() << "cannot connect to \"" << address << "\"";
  }
}

RawConnection::~RawConnection() { close(fd_); }

bool RawConnection::Send(absl::string_view bytes) {
  const Deadline deadline(kSoon);
  while (!bytes.empty()) {
    if (!WaitFor(fd_, POLLOUT, deadline)) return false;
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool RawConnection::WaitUntilClosed(absl::Duration bound) {
  const Deadline deadline(bound);
  std::array<char, 4096> bytes{};
  while (WaitFor(fd_, POLLIN, deadline)) {
    const ssize_t received = recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR)) return true;
  }
  return false;
}

std::string Http2Start() { return absl::StrCat("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Http2Frame(4, 0, 0, "")); }

std::string Http2Frame(char type, char flags, int stream, absl::string_view payload) {
  std::string frame;
  for (const int shift : {16, 8, 0}) frame.push_back(static_cast<char>(payload.size() >> shift & 0xff));
  frame.push_back(type);
  frame.push_back(flags);
  for (const int shift : {24, 16, 8, 0}) frame.push_back(static_cast<char>(stream >> shift & 0xff));
  return absl::StrCat(frame, payload);
}

std::string GrpcCallHeaders(absl::string_view method) {
  constexpr char kHeaders = 1;
  constexpr char kEndHeaders = 4;
  return Http2Frame(kHeaders, kEndHeaders, 1,
                    absl::StrCat(Header(":method", "POST"), Header(":scheme", "http"), Header(":path", method),
                                 Header(":authority", "test"), Header("te", "trailers"), Header("content-type", "application/grpc")));
}

}  // namespace scoutlight::testing

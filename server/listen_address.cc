#include "server/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace scoutlight::server {
namespace {

absl::Status BindError(const ListenAddress& address, int error) {
  const std::string where = address.ToString();
  switch (error) {
    case EADDRINUSE:
      return absl::FailedPreconditionError(
          absl::StrCat("port taken: another process listens on ", where, "; stop it or choose another address with --listen"));
    case EACCES:
      return absl::PermissionDeniedError(absl::StrCat("not allowed to listen on ", where, "; ports below 1024 need privileges"));
    case EADDRNOTAVAIL:
      return absl::FailedPreconditionError(absl::StrCat("no network interface has the address ", where, "; correct --listen"));
    default:
      return absl::FailedPreconditionError(absl::StrCat("cannot listen on ", where, ": ", std::strerror(error)));
  }
}

// 0, or the errno of what failed.
int BindOnce(const addrinfo& address) {
  const int socket_fd = socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol);
  if (socket_fd < 0) return errno;
  const int on = 1;
  int error = 0;
  // As gRPC does, so that a port in TIME_WAIT counts as free.
  if (setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) error = errno;
  if (error == 0 && bind(socket_fd, address.ai_addr, address.ai_addrlen) != 0) error = errno;
  if (error == 0 && listen(socket_fd, 1) != 0) error = errno;
  close(socket_fd);
  return error;
}

}  // namespace

std::string ListenAddress::ToString() const {
  return host.find(':') == std::string::npos ? absl::StrCat(host, ":", port) : absl::StrCat("[", host, "]:", port);
}

bool ListenAddress::IsLoopback() const {
  in_addr v4;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6;
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  const auto wrong = [text](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no HOST:PORT: ", why));
  };
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return wrong("there is no port");
  absl::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    in6_addr v6;
    if (inet_pton(AF_INET6, std::string(host).c_str(), &v6) != 1) return wrong("between the brackets is no IPv6 address");
  } else if (host.find(':') != absl::string_view::npos) {
    return wrong("an IPv6 address stands in brackets, as in [::1]:7400");
  }
  if (host.empty()) return wrong("there is no host; 0.0.0.0 means all");
  uint32_t port = 0;
  if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port > 65535) return wrong("the port is no number from 0 to 65535");
  return ListenAddress{std::string(host), static_cast<uint16_t>(port)};
}

absl::Status TryBind(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(address.host.c_str(), absl::StrCat(address.port).c_str(), &hints, &found);
  if (failed != 0) {
    return absl::NotFoundError(absl::StrCat("the host in --listen=", address.ToString(), " is not known: ", gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, freeaddrinfo);
  // A name can have addresses of families that this machine does not speak: one that can be bound is enough, a taken one too many.
  int error = 0;
  bool bound = false;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const int each_error = BindOnce(*each);
    if (each_error == EADDRINUSE) return BindError(address, each_error);
    if (each_error == 0) bound = true;
    if (each_error != 0) error = each_error;
  }
  return bound ? absl::OkStatus() : BindError(address, error);
}

}  // namespace scoutlight::server

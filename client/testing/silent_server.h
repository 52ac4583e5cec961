#ifndef SCOUTLIGHT_CLIENT_TESTING_SILENT_SERVER_H_
#define SCOUTLIGHT_CLIENT_TESTING_SILENT_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"

namespace scoutlight::testing {

// A port of 127.0.0.1 that takes connections and says nothing: a server that hangs. Ends the process when there is no port.
class SilentServer {
 public:
  SilentServer() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    // The kernel takes connections into the queue of those that nobody accepts.
    if (socket_ < 0 || bind(socket_, any, length) != 0 || listen(socket_, 16) != 0 || getsockname(socket_, any, &length) != 0) std::abort();
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  }
  ~SilentServer() { close(socket_); }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;

  const std::string& address() const { return address_; }

 private:
  const int socket_;
  std::string address_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_CLIENT_TESTING_SILENT_SERVER_H_

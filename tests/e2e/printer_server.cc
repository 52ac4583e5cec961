#include "tests/e2e/printer_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {
namespace {

void SetTimeouts(int fd) {
  const timeval bound = absl::ToTimeval(kSoon);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
}

}  // namespace

PrinterServer::PrinterServer(std::string id) : id_(std::move(id)), wake_(eventfd(0, EFD_CLOEXEC)) {
  thread_ = std::thread([this] { Run(); });
}

PrinterServer::~PrinterServer() {
  over_ = true;
  eventfd_write(wake_, 1);
  thread_.join();
  close(wake_);
}

void PrinterServer::Run() {
  for (;;) {
    // Looked at before the port: what has come until the end is answered.
    const bool over = over_;
    const int connection = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (connection >= 0) {
      Answer(connection);
      continue;
    }
    if (over) return;
    std::array<pollfd, 2> polled = {{{.fd = wake_, .events = POLLIN}, {.fd = listener_.fd(), .events = POLLIN}}};
    poll(polled.data(), polled.size(), -1);
  }
}

void PrinterServer::Answer(int connection) {
  SetTimeouts(connection);
  char asked = 0;
  const std::string answer = absl::StrCat(id_, "\n");
  if (recv(connection, &asked, 1, 0) == 1) (void)!send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
  close(connection);
}

bool CallPrinter(uint16_t port, const std::string& id) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // No TIME_WAIT is left behind: a hundred thousand calls would take all ports.
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  SetTimeouts(fd);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  std::string answer;
  const char asked = '?';
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 && send(fd, &asked, 1, MSG_NOSIGNAL) == 1) {
    std::array<char, 256> bytes;
    for (ssize_t count; (count = recv(fd, bytes.data(), bytes.size(), 0)) > 0;) answer.append(bytes.data(), static_cast<size_t>(count));
  }
  close(fd);
  return answer == absl::StrCat(id, "\n");
}

}  // namespace scoutlight::testing

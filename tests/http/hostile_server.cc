#include "tests/http/hostile_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace scoutlight::testing {
namespace {

bool SendAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

// Reads until `buffer` has at least `bytes`; false: the connection is over.
bool Fill(int fd, size_t bytes, std::string* buffer) {
  char piece[16 * 1024];
  while (buffer->size() < bytes) {
    const ssize_t read = recv(fd, piece, sizeof(piece), 0);
    if (read <= 0) return false;
    buffer->append(piece, static_cast<size_t>(read));
  }
  return true;
}

// Takes what comes before `end` off `buffer`, with `end`; nullopt: the connection is over.
std::optional<std::string> TakeUntil(int fd, absl::string_view end, std::string* buffer) {
  for (;;) {
    const size_t place = buffer->find(end.data(), 0, end.size());
    if (place != std::string::npos) {
      std::string taken = buffer->substr(0, place);
      buffer->erase(0, place + end.size());
      return taken;
    }
    if (!Fill(fd, buffer->size() + 1, buffer)) return std::nullopt;
  }
}

bool TakeBytes(int fd, size_t bytes, std::string* buffer, std::string* out) {
  if (!Fill(fd, bytes, buffer)) return false;
  out->append(*buffer, 0, bytes);
  buffer->erase(0, bytes);
  return true;
}

bool ReadChunks(int fd, std::string* buffer, std::string* body) {
  for (;;) {
    const std::optional<std::string> size = TakeUntil(fd, "\r\n", buffer);
    uint64_t bytes = 0;
    if (!size.has_value() || !absl::SimpleHexAtoi(*size, &bytes)) return false;
    if (bytes == 0) return TakeUntil(fd, "\r\n", buffer).has_value();
    if (!TakeBytes(fd, bytes, buffer, body) || !TakeUntil(fd, "\r\n", buffer).has_value()) return false;
  }
}

bool ReadBody(int fd, std::string* buffer, SeenRequest* request) {
  const auto length = request->headers.find("content-length");
  if (length == request->headers.end()) {
    return !request->headers.contains("transfer-encoding") || ReadChunks(fd, buffer, &request->body);
  }
  uint64_t bytes = 0;
  return absl::SimpleAtoi(length->second, &bytes) && TakeBytes(fd, bytes, buffer, &request->body);
}

SeenRequest ParseHead(const std::string& head) {
  const std::vector<std::string> lines = absl::StrSplit(head, "\r\n");
  const std::vector<std::string> words = absl::StrSplit(lines[0], ' ');
  SeenRequest request;
  request.method = words[0];
  if (words.size() > 1) request.target = words[1];
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<std::string, std::string> header = absl::StrSplit(lines[i], absl::MaxSplits(':', 1));
    request.headers[absl::AsciiStrToLower(header.first)] = std::string(absl::StripAsciiWhitespace(header.second));
  }
  return request;
}

}  // namespace

Deed Answer(int status, absl::string_view body, absl::string_view more_headers) {
  return {absl::StrCat("HTTP/1.1 ", status, " Whatever\r\nContent-Length: ", body.size(), "\r\n", more_headers, "\r\n", body)};
}

int FreePort() { return LoopbackListener().port(); }

HostileServer::HostileServer(Behaviour behave, Reads reads) : behave_(std::move(behave)), reads_(reads) {
  acceptor_ = std::thread([this] { AcceptAll(); });
}

std::vector<SeenRequest> HostileServer::seen() const {
  MutexLock lock(&mu_);
  return seen_;
}

int HostileServer::Count(absl::string_view method) const {
  MutexLock lock(&mu_);
  return static_cast<int>(
      std::count_if(seen_.begin(), seen_.end(), [method](const SeenRequest& seen) { return method.empty() || seen.method == method; }));
}

int HostileServer::connections() const {
  MutexLock lock(&mu_);
  return accepted_;
}

int HostileServer::open() const {
  MutexLock lock(&mu_);
  return static_cast<int>(open_.size());
}

void HostileServer::Stop() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(&mu_);
    if (std::exchange(stopped_, true)) return;
    changed_.NotifyAll();
    shutdown(listener_.fd(), SHUT_RDWR);
  }
  acceptor_.join();
  {
    MutexLock lock(&mu_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

void HostileServer::AcceptAll() {
  for (;;) {
    const int fd = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    MutexLock lock(&mu_);
    if (stopped_ || fd < 0) {
      if (fd >= 0) close(fd);
      if (stopped_) return;
      continue;
    }
    ++accepted_;
    open_.push_back(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

void HostileServer::Serve(int fd) {
  if (reads_ == Reads::kNothing) AwaitStop();
  std::string buffer;
  int number = 0;
  while (ServeOne(fd, number++, &buffer)) {
  }
  MutexLock lock(&mu_);
  std::erase(open_, fd);
  close(fd);
}

bool HostileServer::ServeOne(int fd, int number, std::string* buffer) {
  const std::optional<std::string> head = TakeUntil(fd, "\r\n\r\n", buffer);
  if (!head.has_value()) return false;
  SeenRequest request = ParseHead(*head);
  request.on_connection = number;
  if (reads_ == Reads::kAll && !ReadBody(fd, buffer, &request)) return false;
  {
    MutexLock lock(&mu_);
    if (stopped_) return false;
    seen_.push_back(request);
  }
  return Do(fd, behave_(request));
}

bool HostileServer::Do(int fd, const Deed& deed) {
  if (!SendAll(fd, deed.bytes)) return false;
  switch (deed.then) {
    case Deed::Then::kKeep:
      return true;
    case Deed::Then::kClose:
      return false;
    case Deed::Then::kReset: {
      const linger at_once = {.l_onoff = 1, .l_linger = 0};
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
      return false;
    }
    case Deed::Then::kStall:
      AwaitStop();
      return false;
  }
  return false;
}

void HostileServer::AwaitStop() {
  MutexLock lock(&mu_);
  while (!stopped_) changed_.Wait(&mu_);
}

}  // namespace scoutlight::testing

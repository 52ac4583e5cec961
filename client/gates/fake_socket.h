#ifndef SCOUTLIGHT_CLIENT_GATES_FAKE_SOCKET_H_
#define SCOUTLIGHT_CLIENT_GATES_FAKE_SOCKET_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/gates/socket.h"

namespace scoutlight::client {

// A socket whose network is the test: it records what it was asked to do, and tells what the test says. Not thread-safe.
class FakeSocket final : public Socket {
 public:
  FakeSocket(const SocketOptions& made_with, SocketEvents* told) : options(made_with), events(*told) {}

  absl::StatusOr<std::string> Listen(const std::string& address) override {
    if (!listen_error.ok()) return std::exchange(listen_error, absl::OkStatus());
    url = address;
    return address;
  }
  absl::Status Dial(const std::string& to) override {
    url = to;
    return absl::OkStatus();
  }
  absl::Status Send(std::string&& body) override {
    if (closed) return absl::FailedPreconditionError("closed");
    sent.push_back(std::move(body));
    return absl::OkStatus();
  }
  absl::Status Receive() override {
    if (closed) return absl::FailedPreconditionError("closed");
    ++receives;
    return absl::OkStatus();
  }
  absl::Status Ask(uint64_t ask, absl::string_view body, absl::Duration) override {
    if (closed) return absl::FailedPreconditionError("closed");
    asks.emplace_back(ask, std::string(body));
    return absl::OkStatus();
  }
  bool IsFlushed() override { return flushed; }
  bool IsAlone() override { return alone; }
  void StopListening() override { listens = false; }
  bool TakeInNewcomers() override {
    ++looks_for_newcomers;
    return newcomers;
  }
  std::string Problem() override { return problem ? problem() : std::string(); }
  void BeginClose() override { closed = true; }
  bool IsClosed() override { return closed; }
  void Close() override { closed = true; }

  const SocketOptions options;
  SocketEvents& events;
  std::string url;
  std::vector<std::string> sent;
  int receives = 0;
  std::vector<std::pair<uint64_t, std::string>> asks;
  bool flushed = true;
  bool alone = true;
  bool listens = true;
  bool newcomers = false;
  int looks_for_newcomers = 0;
  std::function<std::string()> problem;  // Null: none.
  bool closed = false;
  absl::Status listen_error;  // Of the next Listen().
};

// Makes them, and keeps them. Outlives what uses maker().
class FakeSockets {
 public:
  SocketMaker maker() {
    return [this](const SocketOptions& options, SocketEvents* events) -> absl::StatusOr<std::shared_ptr<Socket>> {
      sockets_.push_back(std::make_shared<FakeSocket>(options, events));
      return std::shared_ptr<Socket>(sockets_.back());
    };
  }
  FakeSocket& at(size_t i) { return *sockets_[i]; }
  size_t size() const { return sockets_.size(); }

 private:
  std::vector<std::shared_ptr<FakeSocket>> sockets_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_FAKE_SOCKET_H_

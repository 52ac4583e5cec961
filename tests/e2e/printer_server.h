#ifndef SCOUTLIGHT_TESTS_E2E_PRINTER_SERVER_H_
#define SCOUTLIGHT_TESTS_E2E_PRINTER_SERVER_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "tests/support/loopback_listener.h"

namespace scoutlight::testing {

// A small server over TCP on a free port of 127.0.0.1: it answers each connection's first byte with its id and a line end, and closes.
// Thread-safe but for destroying.
class PrinterServer {
 public:
  // Ends the process when there is no port.
  explicit PrinterServer(std::string id);
  // As a server that ends well: takes what has reached it, answers that, and closes its port.
  ~PrinterServer();
  PrinterServer(const PrinterServer&) = delete;
  PrinterServer& operator=(const PrinterServer&) = delete;

  uint16_t port() const { return listener_.port(); }

 private:
  void Run();
  void Answer(int connection);

  const std::string id_;
  const LoopbackListener listener_{LoopbackListener::Accepting::kDoesNotBlock};
  const int wake_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

// Calls the server at 127.0.0.1:`port`; whether it answered, and is the one with this id. Blocks, for kSoon at most.
bool CallPrinter(uint16_t port, const std::string& id);

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_E2E_PRINTER_SERVER_H_

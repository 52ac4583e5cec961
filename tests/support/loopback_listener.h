#ifndef SCOUTLIGHT_TESTS_SUPPORT_LOOPBACK_LISTENER_H_
#define SCOUTLIGHT_TESTS_SUPPORT_LOOPBACK_LISTENER_H_

#include <cstdint>

namespace scoutlight::testing {

// A socket that listens at a port of 127.0.0.1 that the kernel chose, until it is destroyed. Thread-safe but for that.
class LoopbackListener {
 public:
  enum class Accepting { kBlocks, kDoesNotBlock };

  // Ends the process when there is no port.
  explicit LoopbackListener(Accepting accepting = Accepting::kBlocks);
  ~LoopbackListener();
  LoopbackListener(const LoopbackListener&) = delete;
  LoopbackListener& operator=(const LoopbackListener&) = delete;

  int fd() const { return fd_; }
  uint16_t port() const { return port_; }

 private:
  const int fd_;
  uint16_t port_ = 0;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_LOOPBACK_LISTENER_H_

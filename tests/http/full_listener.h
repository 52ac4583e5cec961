#ifndef SCOUTLIGHT_TESTS_HTTP_FULL_LISTENER_H_
#define SCOUTLIGHT_TESTS_HTTP_FULL_LISTENER_H_

#include <vector>

#include "tests/support/loopback_listener.h"

namespace scoutlight::testing {

// A port of 127.0.0.1 at which connections are neither accepted nor refused: its queue is full. Not thread-safe.
class FullListener {
 public:
  // Ends the process when there is no such port.
  FullListener();
  ~FullListener();
  FullListener(const FullListener&) = delete;
  FullListener& operator=(const FullListener&) = delete;

  int port() const { return listener_.port(); }

 private:
  const LoopbackListener listener_;
  std::vector<int> queued_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_HTTP_FULL_LISTENER_H_

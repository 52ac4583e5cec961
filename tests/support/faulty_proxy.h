#ifndef SCOUTLIGHT_TESTS_SUPPORT_FAULTY_PROXY_H_
#define SCOUTLIGHT_TESTS_SUPPORT_FAULTY_PROXY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "tests/support/loopback_listener.h"

namespace scoutlight::testing {

// What lies between a client and a server: a port of 127.0.0.1 that forwards TCP connections to a target, or does what networks do. At most
// kConnectionsMax connections, each with at most kBufferBytes on its way in each direction; further ones are reset. Thread-safe.
class FaultyProxy {
 public:
  enum class Mode {
    kForward,
    kStall,      // Connections are taken, and nothing is forwarded: what is sent comes once it forwards again.
    kReset,      // All connections are reset, and each new one.
    kBlackHole,  // What is sent is lost. Connections of then stay silent for ever, and neither end is told, not even that the other has
                 // gone.
  };
  static constexpr size_t kConnectionsMax = 256;
  static constexpr size_t kBufferBytes = 64 * 1024;

  // `target` as SetTarget. Ends the process when there is no port.
  explicit FaultyProxy(absl::string_view target);
  ~FaultyProxy();
  FaultyProxy(const FaultyProxy&) = delete;
  FaultyProxy& operator=(const FaultyProxy&) = delete;

  // "127.0.0.1:PORT", the same as long as this lives.
  const std::string& address() const { return address_; }

  // Where connections from now on lead, "A.B.C.D:PORT". Nobody there: they are reset.
  void SetTarget(absl::string_view target);

  // In effect when it returns.
  void Set(Mode mode);

 private:
  struct Connection;

  void Run();
  // One turn of the loop; false: it is over.
  bool Turn();
  void TakeNew(Mode mode);

  const LoopbackListener listener_{LoopbackListener::Accepting::kDoesNotBlock};
  const std::string address_;
  const int wake_;
  Mutex mu_;
  CondVar changed_;
  std::string target_ ABSL_GUARDED_BY(mu_);
  Mode mode_ ABSL_GUARDED_BY(mu_) = Mode::kForward;
  int64_t asked_ ABSL_GUARDED_BY(mu_) = 0;  // Changes of `mode_`, and those that the thread has seen.
  int64_t seen_ ABSL_GUARDED_BY(mu_) = 0;
  bool over_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::unique_ptr<Connection>> connections_;  // The thread's own.
  std::thread thread_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_FAULTY_PROXY_H_

#ifndef SCOUTLIGHT_SERVER_SELF_PROBE_H_
#define SCOUTLIGHT_SERVER_SELF_PROBE_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "server/listen_address.h"

namespace scoutlight::server {

struct SelfProbeOptions {
  absl::Duration interval = absl::Seconds(1);
  absl::Duration timeout = absl::Seconds(3);  // Of one attempt.
  int failures_max = 3;                       // In a row.
};

// Whether somebody at `address` accepts a connection and reacts to it, with data or by closing it, within `timeout`. Blocks.
bool AnswersConnections(const ListenAddress& address, absl::Duration timeout);

// Connects to the server's own port again and again, because gRPC 1.51's listener goes deaf for good when descriptors run out once
// (CVE-2023-4785), and the process looks alive to everybody but its clients. Calls `on_deaf` once, from its own thread, after
// `failures_max` failures in a row; a supervisor can do something about a process that ends. Thread-safe.
class SelfProbe {
 public:
  SelfProbe(ListenAddress address, SelfProbeOptions options, std::function<void()> on_deaf);
  // Waits for an attempt in progress, at most its timeout.
  ~SelfProbe();

 private:
  void Loop();

  const ListenAddress address_;
  const SelfProbeOptions options_;
  const std::function<void()> on_deaf_;
  Mutex mu_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_SELF_PROBE_H_

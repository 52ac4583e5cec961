#ifndef SCOUTLIGHT_CLIENT_GATES_BROADCAST_H_
#define SCOUTLIGHT_CLIENT_GATES_BROADCAST_H_

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "client/gates/sender.h"

namespace scoutlight::client {

// PUB: each message goes to all lines that have peers, at once or never; nobody waits. Thread-safe.
class Broadcast final : public Sender {
 public:
  absl::Status Push(std::string&& body, absl::Duration timeout) override;
  void OnPeers(const LinePtr& line, int peers) override;
  void Retire(const LinePtr& line) override;
  bool IsIdle(const LinePtr&) const override { return true; }
  void OnSent(const LinePtr&, const absl::Status&, std::string) override {}
  void OnAnswer(const LinePtr&, uint64_t, absl::StatusOr<std::string>) override {}
  void Stop() override;
  int64_t AwaitEmpty(absl::Duration) override { return 0; }
  void Drop() override {}
  void Count(GateCounters* counters) const override;

 private:
  mutable Mutex mu_;
  std::vector<LinePtr> lines_ ABSL_GUARDED_BY(mu_);  // With peers, not retired.
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  GateCounters counters_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_BROADCAST_H_

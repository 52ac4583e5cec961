#ifndef SCOUTLIGHT_TESTS_CHECKER_COLLECTOR_H_
#define SCOUTLIGHT_TESTS_CHECKER_COLLECTOR_H_

#include <grpcpp/client_context.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "scoutlight/registry/v1/registry.pb.h"
#include "tests/checker/history.h"

namespace scoutlight::checker {

// A watch whose frames are recorded, over servers of one store that come and go: each stream resumes where the one before ended. Used by
// one thread.
class Collector {
 public:
  // Of everything, from the first revision on, with previous entries: for AddCollected.
  Collector() : Collector({.client = 0, .range = {Key(), Scope::kSubtree}, .include_previous = true}, 2, false) {}
  // Any watch; `start_revision` and `include_snapshot` of its first stream as in WatchRequest.
  Collector(WatchChain chain, Revision start_revision, bool include_snapshot);
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  // Watches the server at `address` from now on; ends the stream that there is.
  void Connect(const std::string& address);

  // Waits until everything up to `revision` has been sent, and has the history say that it had to come; whether it did within `bound`.
  bool WaitFor(Revision revision, absl::Duration bound);

  // Waits until everything up to `revision` has been sent, or the stream has ended; whether the former came within `bound`. The history
  // says nothing of it.
  bool WaitForOrEnd(Revision revision, absl::Duration bound);

  // Ends the stream, to go on with Connect later.
  void Disconnect() { End(); }

  // How the stream ended, if it has.
  std::optional<Failure> end() const;

  // Everything up to here has been sent.
  Revision sent() const;

  // Ends the stream and gives what was recorded. Call it once.
  WatchChain Take();

 private:
  void End();
  void Run(const std::string& address, const registry::v1::WatchRequest& request);
  void Add(const registry::v1::WatchResponse& response);

  const bool include_snapshot_;
  std::thread thread_;
  std::unique_ptr<grpc::ClientContext> context_;  // Of the stream.
  mutable Mutex mu_;
  CondVar changed_;
  WatchChain chain_ ABSL_GUARDED_BY(mu_);
  Revision next_ ABSL_GUARDED_BY(mu_);  // Where to go on; 0: nowhere yet.
  Revision sent_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_COLLECTOR_H_

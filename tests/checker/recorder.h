#ifndef SCOUTLIGHT_TESTS_CHECKER_RECORDER_H_
#define SCOUTLIGHT_TESTS_CHECKER_RECORDER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "tests/checker/history.h"
#include "tests/checker/wire_conversion.h"
#include "tests/support/client.h"
#include "tests/support/keep_alive_stream.h"

namespace scoutlight::checker {

// The present of a history's clock.
Nanos MonotonicNow();

// Keeps the calls of all clients of a test. Thread-safe.
class Recorder {
 public:
  void Add(Call call);
  void Add(Outage outage);

  size_t calls() const;
  // Waits until there are so many calls; whether there were within `bound`.
  bool WaitForCalls(size_t count, absl::Duration bound) const;

  // All that was kept. Call it once, when the clients are done.
  History Take();

 private:
  mutable Mutex mu_;
  mutable CondVar changed_;
  History history_ ABSL_GUARDED_BY(mu_);
};

// A client of a real server whose calls are recorded. Used by one thread at a time.
class RecordingClient {
 public:
  explicit RecordingClient(Recorder* recorder) : recorder_(*recorder) {}  // Outlives this.

  // Calls go there from now on. Pages of lists go on over servers of one store.
  void Connect(const std::string& address);

  // Makes the call (pages only right behind the page before), records it, and gives it back with what came of it. Every other renewal goes
  // over a stream of KeepAlive. Blocks as testing::Client does.
  Call Make(Call call);

 private:
  void Send(const Write& write, Call* call);
  void Send(const Read& read, Call* call);
  void Send(const Grant& grant, Call* call);
  void Send(const Revoke& revoke, Call* call);
  void Send(const Renew& renew, Call* call);
  testing::Answered<wire::KeepAliveResponse> KeepAlive(const Renew& renew);
  template <typename Answered>
  void Take(const Answered& answered, Call* call);

  Recorder& recorder_;
  std::unique_ptr<testing::Client> client_;
  std::unique_ptr<testing::KeepAliveStream> keep_alive_;  // Null: none is open.
  wire::ListRequest next_page_;
  int renewals_ = 0;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_RECORDER_H_

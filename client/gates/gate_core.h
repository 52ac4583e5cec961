#ifndef SCOUTLIGHT_CLIENT_GATES_GATE_CORE_H_
#define SCOUTLIGHT_CLIENT_GATES_GATE_CORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/events/event_loop.h"
#include "client/gate_options.h"
#include "client/gate_report.h"
#include "client/gates/bound_lines.h"
#include "client/gates/dialled_lines.h"
#include "client/gates/gate_traffic.h"
#include "client/gates/leaving_lines.h"
#include "client/governor.h"
#include "client/message.h"

namespace scoutlight::client {

// One gate: what flows through it, and its lines, which live on the loop. Whoever links it says what it dials and binds. Thread-safe.
// Close() comes before the last reference goes.
class GateCore : public std::enable_shared_from_this<GateCore> {
 public:
  struct Parts {
    std::shared_ptr<EventLoop> loop;
    SocketMaker make_socket;
    GovernorMaker make_governor;
    uint64_t sender = 0;  // Random.
  };

  // `options` are valid and have a type.
  GateCore(GateOptions options, Parts parts);
  ~GateCore();

  // Called once, by Close(), before anything is closed: nobody is to be sent here any more. Before the gate is used.
  void SetOnClose(std::function<void()> on_close) { on_close_ = std::move(on_close); }

  // As the methods of gates (client/gate.h).
  absl::Status Push(std::string&& body, absl::Duration timeout);
  absl::Status Relay(Message&& cause, std::string body, absl::Duration timeout);
  absl::StatusOr<std::string> Ask(std::string body, absl::Duration timeout);
  absl::StatusOr<Message> Pull(absl::Duration timeout);
  GateReport Look() const;
  GateCounters Count() const;
  GateCloseReport Close(absl::Duration flush_timeout);

  // What it is to dial. Does not wait.
  void SetWanted(std::vector<GateEndpoint> wanted);
  // Binds, as BoundLines. Waits for the loop.
  absl::Status Bind(const std::vector<std::string>& addresses, IfTaken if_taken);
  std::vector<std::string> urls() const;
  // What Look() tells.
  void SetProblem(absl::Status problem);

  const GateOptions& options() const { return options_; }

 private:
  // On the loop.
  struct Lines {
    Lines(GateCore* gate, std::unique_ptr<Governor> governor);
    // All close at the same time.
    ~Lines();

    bool closing = false;
    LeavingLines leaving;
    DialledLines dialled;
    BoundLines bound;
  };

  // Why `body` cannot be pushed, whatever room there is.
  absl::Status PushFault(const std::string& body) const;
  // `work` on the loop, with the lines; not if they are gone.
  void OnLoop(const std::function<void(Lines*)>& work) const;
  // A line has peers, or has not: the governor is asked, once for many of these.
  void PostGovern();
  void OnAllLeft();
  GateCounters CountOf(const Lines& lines) const;

  const GateOptions options_;
  const Parts parts_;
  std::function<void()> on_close_;
  GateTraffic traffic_;
  std::unique_ptr<Lines> lines_;         // The loop's; null: closed.
  std::atomic<bool> governing_ = false;  // PostGovern() has posted. Orders nothing.
  mutable Mutex mu_;
  CondVar changed_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  bool all_left_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status problem_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_GATE_CORE_H_

#ifndef SCOUTLIGHT_CLIENT_GATES_DIALLED_LINES_H_
#define SCOUTLIGHT_CLIENT_GATES_DIALLED_LINES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"
#include "client/events/alarm.h"
#include "client/events/event_loop.h"
#include "client/gate_report.h"
#include "client/gates/gate_traffic.h"
#include "client/gates/leaving_lines.h"
#include "client/governor.h"

namespace scoutlight::client {

// The endpoints that a gate dials, kept as its governor says. Used and destroyed on the loop alone.
class DialledLines {
 public:
  // A governor is asked again no sooner, and after a failure to dial at the latest.
  static constexpr absl::Duration kAskAgainMin = absl::Milliseconds(10);
  static constexpr absl::Duration kDialAgain = absl::Seconds(1);
  // Problems that are kept; of more, some are not told.
  static constexpr size_t kProblemsMax = 1'000;

  struct Parts {
    EventLoop* loop = nullptr;
    GateTraffic* traffic = nullptr;
    LeavingLines* leaving = nullptr;  // All three outlive it.
    std::unique_ptr<Governor> governor;
    absl::Duration linger;
  };

  explicit DialledLines(Parts parts) : parts_(std::move(parts)), alarm_(parts_.loop) {}
  ~DialledLines() {
    BeginClose();
    for (const auto& [url, dialled] : lines_) dialled.line->socket().Close();
  }

  // Those that stand behind the link by now. Of those with the same URL the first counts; what cannot be dialled is passed over, and told
  // by Report().
  void SetWanted(std::vector<GateEndpoint> wanted);
  // Something has changed: asks the governor.
  void Govern();
  // All leave, within `linger`; SetWanted() and Govern() are not called any more.
  void LeaveAll(absl::Duration linger);
  // Begins to close those that are here; they are destroyed next.
  void BeginClose() {
    for (const auto& [url, dialled] : lines_) dialled.line->socket().BeginClose();
  }
  // Adds each endpoint that is dialled or wanted. Those that are dialled and not connected come with their line, whose socket can be asked
  // why: not here, for that takes its time.
  struct Reported {
    GateEndpointReport endpoint;
    LinePtr unconnected;  // Null: there is nothing to ask.
  };
  void Report(std::vector<Reported>* endpoints) const;
  int peers() const;

 private:
  struct Dialled {
    GateEndpoint endpoint;
    LinePtr line;
    absl::Duration since;
  };

  // False: it could not be, this time.
  bool Dial(const GateEndpoint& endpoint);
  // A line that dials it.
  absl::StatusOr<LinePtr> OpenTo(const std::string& url);
  void SetProblem(const std::string& url, std::string problem);
  void Undial(const std::string& url, absl::Duration linger);

  const Parts parts_;
  std::vector<GateEndpoint> wanted_;
  absl::btree_map<std::string, Dialled> lines_;         // By URL.
  absl::btree_map<std::string, std::string> problems_;  // Why an endpoint was not dialled, by URL.
  Alarm alarm_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_DIALLED_LINES_H_

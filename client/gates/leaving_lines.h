#ifndef SCOUTLIGHT_CLIENT_GATES_LEAVING_LINES_H_
#define SCOUTLIGHT_CLIENT_GATES_LEAVING_LINES_H_

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "client/events/alarm.h"
#include "client/events/event_loop.h"
#include "client/gates/gate_traffic.h"

namespace scoutlight::client {

// Lines that have got their last message, until that is gone and their sockets have closed, for which the loop does not wait. Used and
// destroyed on the loop alone.
class LeavingLines {
 public:
  // How often it is looked whether a line is done.
  static constexpr absl::Duration kLook = absl::Milliseconds(5);
  // How long a line that may be sent to is to be done before it is believed: a connection is known to one end earlier than to the other.
  // Then it is looked whether there is one that is not known yet, and if so it begins anew.
  static constexpr absl::Duration kSettle = absl::Milliseconds(100);
  // Who was in the middle of connecting when a line stopped listening is taken in so long after that, whoever else is connected; then each
  // time after twice as long as before, up to kTakeInMax: a handshake of which a packet was lost ends seconds later. TCP sends again what
  // was not heard meanwhile, and nng waits for a greeting for ten seconds.
  static constexpr absl::Duration kTakeInFirst = absl::Milliseconds(10);
  static constexpr absl::Duration kTakeInMax = absl::Seconds(1);

  // Both outlive it. `on_empty` is called when the last one has gone.
  LeavingLines(EventLoop* loop, GateTraffic* traffic, std::function<void()> on_empty)
      : loop_(*loop), traffic_(*traffic), on_empty_(std::move(on_empty)), alarm_(loop) {}
  // Waits for sockets that are closing.
  ~LeavingLines() {
    BeginClose();
    for (const Leaving& leaving : lines_) leaving.line->socket().Close();
  }

  // Closes `line` when it is done, at the latest after `linger`.
  void Add(LinePtr line, absl::Duration linger) {
    traffic_.Retire(line);
    Leaving leaving = {.line = std::move(line), .until = loop_.Now() + linger};
    // Who connects from now on might be cut off, with what it has sent.
    if (traffic_.MayBeSentTo() && linger > absl::ZeroDuration()) {
      leaving.line->socket().StopListening();
      leaving.take_in_at = loop_.Now() + leaving.take_in_after;
    }
    lines_.push_back(std::move(leaving));
    if (!alarm_.is_set()) SetAlarm(absl::ZeroDuration());
  }
  // Lets none of them linger.
  void BeginClose() {
    for (const Leaving& leaving : lines_) leaving.line->socket().BeginClose();
  }
  bool empty() const { return lines_.empty(); }
  size_t size() const { return lines_.size(); }

 private:
  struct Leaving {
    LinePtr line;
    absl::Duration until;
    absl::Duration done_since = absl::InfiniteDuration();
    absl::Duration take_in_at = absl::InfiniteDuration();  // Infinite: it lets everybody in.
    absl::Duration take_in_after = kTakeInFirst;           // How long after the time before.
    bool closing = false;
  };

  void TakeIn(Leaving* leaving) const {
    if (loop_.Now() < leaving->take_in_at) return;
    static_cast<void>(leaving->line->socket().TakeInNewcomers());
    leaving->take_in_after = std::min(2 * leaving->take_in_after, kTakeInMax);
    leaving->take_in_at = loop_.Now() + leaving->take_in_after;
  }

  bool IsOver(Leaving* leaving) const {
    if (loop_.Now() >= leaving->until) return true;
    if (!traffic_.IsDone(leaving->line)) {
      leaving->done_since = absl::InfiniteDuration();
      return false;
    }
    if (!traffic_.MayBeSentTo()) return true;
    leaving->done_since = std::min(leaving->done_since, loop_.Now());
    if (loop_.Now() < leaving->done_since + kSettle) return false;
    if (!leaving->line->socket().TakeInNewcomers()) return true;
    leaving->done_since = absl::InfiniteDuration();
    return false;
  }

  // Whether it has gone.
  bool Move(Leaving* leaving) const {
    Socket& socket = leaving->line->socket();
    if (!leaving->closing) {
      TakeIn(leaving);
      leaving->closing = IsOver(leaving);
      if (leaving->closing) socket.BeginClose();
    }
    if (!leaving->closing || !socket.IsClosed()) return false;
    socket.Close();
    traffic_.End(leaving->line);
    return true;
  }

  void Look() {
    for (size_t i = 0; i < lines_.size();) {
      if (Move(&lines_[i])) {
        std::swap(lines_[i], lines_.back());
        lines_.pop_back();
      } else {
        ++i;
      }
    }
    if (lines_.empty()) return on_empty_();
    SetAlarm(kLook);
  }
  void SetAlarm(absl::Duration delay) {
    alarm_.Set(delay, [this] { Look(); });
  }

  EventLoop& loop_;
  GateTraffic& traffic_;
  const std::function<void()> on_empty_;
  std::vector<Leaving> lines_;
  Alarm alarm_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_LEAVING_LINES_H_

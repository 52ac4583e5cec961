#ifndef SCOUTLIGHT_CLIENT_WIRE_REPETITION_H_
#define SCOUTLIGHT_CLIENT_WIRE_REPETITION_H_

#include <functional>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/events/backoff.h"

namespace scoutlight::client {

// Why a call may be made again when it is not known what came of it.
enum class Repeatable {
  kRead,    // It changes nothing.
  kWithId,  // It carries a request_id: the server tells a repetition from a new request.
  kNever,   // It may not.
};

// Decides whether and when a call that failed is made again. Not thread-safe.
class Repetition {
 public:
  // Tries of one call; its timeout is the bound that is met, at the backoff's pace.
  static constexpr int kTriesMax = 1'000;
  // A try that had less says nothing of the server when it runs out of it.
  static constexpr absl::Duration kTellingTryMin = absl::Seconds(1);

  // `unit_random` draws from [0, 1).
  Repetition(Repeatable repeatable, absl::Duration timeout, std::function<double()> unit_random)
      : repeatable_(repeatable), timeout_(timeout), backoff_(std::move(unit_random)) {}

  // `status` came `elapsed` after the first try began: how long to wait before the next, within the timeout. nullopt: it is the call's
  // outcome.
  std::optional<absl::Duration> After(const absl::Status& status, absl::Duration elapsed);

  // What the caller hears when After has made `last`, of a try that had `try_timeout`, the call's outcome: `last`, but
  // - kUnavailable of a try before, if `last` says only that the little that was left to it is over: the server is away, and does not hang;
  // - kDeadlineExceeded, if `last` IsSilence(): it hangs.
  absl::Status OutcomeOf(const absl::Status& last, absl::Duration try_timeout) const;

 private:
  const Repeatable repeatable_;
  const absl::Duration timeout_;
  Backoff backoff_;
  int tries_ = 0;
  absl::Status away_;  // The last that said that the server is away; OK: none did.
};

// Whether another try, perhaps of another server, may have another outcome than `status`: the server cannot be reached, stops, starts, is
// overloaded, or does not know what came of it.
bool IsPassing(const absl::Status& status);

// Whether `status` is gRPC's kUnavailable of a connection that nobody answered in time. All others are what somebody said: the server is
// away.
bool IsSilence(const absl::Status& status);

// Whether `status` says that this server is no use for now, and another one may be.
bool IsServerGone(const absl::Status& status);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_REPETITION_H_

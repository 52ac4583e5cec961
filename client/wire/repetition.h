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

  // `unit_random` draws from [0, 1).
  Repetition(Repeatable repeatable, absl::Duration timeout, std::function<double()> unit_random)
      : repeatable_(repeatable), timeout_(timeout), backoff_(std::move(unit_random)) {}

  // `status` came `elapsed` after the first try began: how long to wait before the next, within the timeout. nullopt: it is the call's
  // outcome.
  std::optional<absl::Duration> After(const absl::Status& status, absl::Duration elapsed);

 private:
  const Repeatable repeatable_;
  const absl::Duration timeout_;
  Backoff backoff_;
  int tries_ = 0;
};

// Whether another try, perhaps of another server, may have another outcome than `status`: the server cannot be reached, stops, starts, is
// overloaded, or does not know what came of it.
bool IsPassing(const absl::Status& status);

// Whether `status` says that this server is no use for now, and another one may be.
bool IsServerGone(const absl::Status& status);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_REPETITION_H_

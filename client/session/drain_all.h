#ifndef SCOUTLIGHT_CLIENT_SESSION_DRAIN_ALL_H_
#define SCOUTLIGHT_CLIENT_SESSION_DRAIN_ALL_H_

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "client/registration.h"
#include "client/session_options.h"
#include "client/wire/wire.h"
#include "scoutlight/discovery/v1/registration.pb.h"

namespace scoutlight::client {

// Instances that are drained at a time, each by a thread.
inline constexpr int kDrainThreadsMax = 16;

// So long after both times of `options` drains still begin: a server that answers needs no more for all that are left.
inline constexpr absl::Duration kDrainGrace = absl::Seconds(2);

// Drains all, at the same time as far as kDrainThreadsMax allows: the times of `options` are those of all together. Blocks for at most
// these, kDrainGrace, and the 5 s of a CallDrain; kDeadlineExceeded: it was not begun by then.
std::vector<LeaveReport::Drained> DrainAll(Wire* wire, const std::vector<RegistrationReport>& registered, const DrainOptions& options);

// Drains one, on any thread, several at a time: CallDrain, or a test's.
using DrainOne = std::function<absl::StatusOr<discovery::v1::DrainResponse>(const RegistrationReport&, const DrainOptions&)>;
std::vector<LeaveReport::Drained> DrainAll(const DrainOne& drain_one, Clock* clock, const std::vector<RegistrationReport>& registered,
                                           const DrainOptions& options);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_SESSION_DRAIN_ALL_H_

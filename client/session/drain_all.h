#ifndef SCOUTLIGHT_CLIENT_SESSION_DRAIN_ALL_H_
#define SCOUTLIGHT_CLIENT_SESSION_DRAIN_ALL_H_

#include <vector>

#include "client/registration.h"
#include "client/session_options.h"
#include "client/wire/wire.h"

namespace scoutlight::client {

// Instances that are drained at a time, each by a thread.
inline constexpr int kDrainThreadsMax = 16;

// Drains all, at the same time as far as kDrainThreadsMax allows: the times of `options` are those of all together. Blocks for at
// most these and a few seconds.
std::vector<LeaveReport::Drained> DrainAll(Wire* wire, const std::vector<RegistrationReport>& registered, const DrainOptions& options);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_SESSION_DRAIN_ALL_H_

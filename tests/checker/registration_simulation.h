#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_SIMULATION_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_SIMULATION_H_

#include <cstdint>

#include "absl/time/time.h"
#include "tests/checker/registration_check.h"
#include "tests/checker/registration_history.h"

namespace scoutlight::checker {

// Of simulated servers, where all goes within milliseconds.
inline constexpr RegistrationBounds kSimulatedRegistrationBounds = {
    .late = absl::Milliseconds(20), .unnoticed_pause = absl::ZeroDuration(), .grace = absl::Milliseconds(15)};

// A true history: sessions, callers, watchers and subscribers of a SimulatedRegistrations; registrations are taken over, fenced, drained,
// lost and held; streams break, calls get no answer; the server is killed, stopped and wiped. The same seed gives the same history.
RegistrationHistory SimulateRegistrations(uint64_t seed, int steps = 3'000);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_SIMULATION_H_

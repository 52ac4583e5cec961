#ifndef SCOUTLIGHT_TESTS_CHECKER_SIMULATION_H_
#define SCOUTLIGHT_TESTS_CHECKER_SIMULATION_H_

#include <cstdint>

#include "absl/time/time.h"
#include "tests/checker/history.h"
#include "tests/checker/lease_rules.h"

namespace scoutlight::checker {

struct SimulationOptions {
  uint64_t seed = 1;
  int clients = 6;
  int calls = 3'000;  // About so many.
  int watches = 4;    // Beside the collector.
  bool crashes = true;
};

// Of simulated stores, whose leases last milliseconds.
inline constexpr LeaseBounds kSimulatedBounds = {.late = absl::Milliseconds(20), .unnoticed_pause = absl::ZeroDuration()};

// A true history: clients call a SimulatedStore at once, calls take their time, are given up and repeated; the store crashes, pauses and
// compacts; leases end; watches break and resume, get fragments and snapshots. The same options give the same history.
History Simulate(const SimulationOptions& options);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_SIMULATION_H_

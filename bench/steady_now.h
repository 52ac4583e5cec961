#ifndef SCOUTLIGHT_BENCH_STEADY_NOW_H_
#define SCOUTLIGHT_BENCH_STEADY_NOW_H_

#include <chrono>

#include "absl/time/time.h"

namespace scoutlight::bench {

// Since some moment in the past that stays the same for the life of the machine; never goes back.
inline absl::Duration SteadyNow() { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_STEADY_NOW_H_

#ifndef SCOUTLIGHT_BENCH_PRINT_FIGURES_H_
#define SCOUTLIGHT_BENCH_PRINT_FIGURES_H_

#include <iostream>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace scoutlight::bench {

// How a generator ends: its figures as one JSON object on stdout, or what went wrong on stderr. Returns its exit status.
inline int PrintFigures(const absl::StatusOr<nlohmann::json>& figures) {
  if (!figures.ok()) {
    std::cerr << figures.status() << std::endl;
    return 1;
  }
  std::cout << figures->dump() << std::endl;
  return 0;
}

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_PRINT_FIGURES_H_

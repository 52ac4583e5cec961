// How fast and how large the checker is. Run by name; it prints its figures.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <iostream>

#include "tests/checker/check.h"
#include "tests/checker/simulation.h"

namespace scoutlight::checker {
namespace {

// The most memory that the process has had, in MB.
int64_t PeakMegabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

TEST(Check, MillionCalls) {
  const History history = Simulate({.seed = 1, .clients = 16, .calls = 1'000'000});
  const int64_t recorded_mb = PeakMegabytes();
  const auto start = std::chrono::steady_clock::now();
  const std::vector<Violation> violations = Check(history, kSimulatedBounds);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  EXPECT_TRUE(violations.empty()) << Report(history, violations);
  std::cout << history.calls.size() << " calls, " << history.log.size() << " revisions: " << taken.count() << " s, peak " << PeakMegabytes()
            << " MB, of which the recording and its making " << recorded_mb << " MB" << std::endl;
}

}  // namespace
}  // namespace scoutlight::checker

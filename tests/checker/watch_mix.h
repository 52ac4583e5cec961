#ifndef SCOUTLIGHT_TESTS_CHECKER_WATCH_MIX_H_
#define SCOUTLIGHT_TESTS_CHECKER_WATCH_MIX_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/checker/collector.h"
#include "tests/checker/history.h"

namespace scoutlight::checker {

// Watches of ranges that it draws, in the tree that a RequestMix works on, over servers of one store that come and go. Some resume when
// they can, the others begin anew with each server: with what comes, with the state, or somewhere in the past. Used by one thread.
class WatchMix {
 public:
  // Of each sort so many.
  WatchMix(int resuming, int fresh, uint64_t seed) : fresh_count_(fresh), random_(seed), resuming_(resuming) {}

  // All watch the server at `address` from now on.
  void Connect(const std::string& address);

  // Waits until each has been sent everything up to `revision`, and has the history say that it had to come; whether it did within `bound`.
  bool WaitFor(Revision revision, absl::Duration bound);

  // Ends them all and adds them to `history`. Call it once.
  void AddTo(History* history);

 private:
  enum class Start : uint8_t { kNow, kState, kPast };

  std::unique_ptr<Collector> Draw(Start start);
  uint64_t Below(uint64_t bound) { return std::uniform_int_distribution<uint64_t>(0, bound - 1)(random_); }

  const int fresh_count_;
  std::mt19937_64 random_;
  int clients_ = 1'000;  // Others than those that call.
  Revision sent_ = 1;    // To one of them at least.
  std::vector<std::unique_ptr<Collector>> resuming_;
  std::vector<std::unique_ptr<Collector>> fresh_;
  std::vector<WatchChain> ended_;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_WATCH_MIX_H_

#ifndef SCOUTLIGHT_CLIENT_GATES_NNG_PROBLEM_H_
#define SCOUTLIGHT_CLIENT_GATES_NNG_PROBLEM_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace scoutlight::client {

// Why dialers of nng are not connected, of those that have failed: each one's id, and in words for operators what has failed how often.
using NngProblemsById = absl::flat_hash_map<int, std::string>;
// Walks the statistics of all sockets of the process.
NngProblemsById LookAtNngDialers();

// The same, looked at once for all who ask at about the same time. Thread-safe.
class NngProblems {
 public:
  // How old is what is told at most.
  static constexpr absl::Duration kAgeMax = absl::Milliseconds(100);

  // `clock` outlives it.
  explicit NngProblems(std::function<NngProblemsById()> look = &LookAtNngDialers, Clock* clock = &Clock::System())
      : look_(std::move(look)), clock_(*clock) {}

  // Empty: none that is known.
  std::string Of(int dialer);

 private:
  using Seen = std::shared_ptr<const NngProblemsById>;

  // What was seen last; null: too long ago.
  Seen Newest() const;

  const std::function<NngProblemsById()> look_;
  Clock& clock_;
  mutable Mutex mu_;
  Seen seen_ ABSL_GUARDED_BY(mu_);
  absl::Duration seen_at_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_NNG_PROBLEM_H_

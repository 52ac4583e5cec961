#ifndef SCOUTLIGHT_TESTS_CHECKER_SIMULATED_WATCH_H_
#define SCOUTLIGHT_TESTS_CHECKER_SIMULATED_WATCH_H_

#include <cstdint>
#include <random>
#include <vector>

#include "storage/testing/reference_model.h"
#include "tests/checker/history.h"

namespace scoutlight::checker {

// A watch of a simulated store, both its ends: what the store sends whenever it is pumped, and a client that resumes. Not thread-safe.
class SimulatedWatch {
 public:
  struct Collector {};

  // Of a range, start and form that it draws.
  SimulatedWatch(int client, uint64_t seed);
  // Of everything, as a collector of histories asks for.
  SimulatedWatch(Collector, uint64_t seed);

  // Sends some of what is due, as frames of any kind; opens the stream first if there is none. May break it.
  void Pump(Nanos now, const storage::ReferenceModel& model);
  // Sends all that is due.
  void Drain(Nanos now, const storage::ReferenceModel& model);
  // The stream ends, if there is one.
  void Break(Nanos now);

  // Everything up to here has been received.
  Revision sent() const { return sent_; }
  WatchChain Take() { return std::move(chain_); }

 private:
  Nanos Below(Nanos bound) { return std::uniform_int_distribution<Nanos>(0, bound - 1)(random_); }
  bool Chance(int percent) { return Below(100) < percent; }
  void Open(const storage::ReferenceModel& model);
  void End(Nanos now, Failure end);
  // False: the stream broke before its end.
  bool SendSnapshot(const storage::ReferenceModel& model);
  void SendChanges(std::vector<Batch> batches, Revision latest);
  void SendFragments(const Batch& batch);
  Frame& Send(Frame::Kind kind, Revision revision);

  const bool is_collector_ = false;
  std::mt19937_64 random_;
  WatchChain chain_;
  bool include_snapshot_ = false;
  bool open_ = false;
  bool started_once_ = false;
  Revision sent_ = 0;
  Nanos time_ = 0;  // Of the last frame.
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_SIMULATED_WATCH_H_

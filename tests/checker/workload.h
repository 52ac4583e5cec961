#ifndef SCOUTLIGHT_TESTS_CHECKER_WORKLOAD_H_
#define SCOUTLIGHT_TESTS_CHECKER_WORKLOAD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/checker/recorder.h"
#include "tests/checker/request_mix.h"

namespace scoutlight::checker {

struct WorkloadOptions {
  int clients = 8;
  uint64_t seed = 1;
  MixOptions mix;
};

// Clients that each call one after the other what a RequestMix draws, on a server that comes and goes, or on several; calls with a request
// id that got no answer are repeated when it is back, or by the next one. Used by one thread.
class Workload {
 public:
  // The recorder outlives this.
  Workload(const WorkloadOptions& options, Recorder* recorder);
  ~Workload();
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  // Lets all clients call the server at `address`. Each stops when it is gone: when a call gets no answer from it.
  void Start(const std::string& address);
  // Waits until all clients have stopped.
  void Join();

  // Lets all clients call the servers at `addresses`, over one store, of which one at least answers at any time. They begin spread over
  // them; each moves on to the next when a call gets no answer, and after some calls in any case.
  void StartOver(const std::vector<std::string>& addresses);
  // Lets all clients stop after the call that they are in, and waits for that.
  void Finish();

 private:
  struct Caller {
    RequestMix mix;
    RecordingClient client;
    std::optional<Call> repeated;
  };

  // Whether it was the server that answered.
  static bool CallOnce(Caller* caller);
  static void Run(Caller* caller);
  void RunOver(Caller* caller, const std::vector<std::string>& addresses, size_t first);

  std::atomic<bool> over_{false};  // Of StartOver's threads.
  std::vector<std::unique_ptr<Caller>> callers_;
  std::vector<std::thread> threads_;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_WORKLOAD_H_

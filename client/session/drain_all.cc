#include "client/session/drain_all.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#include "base/clock.h"
#include "client/wire/drain_call.h"
#include "client/wire/session_conversion.h"

namespace scoutlight::client {

std::vector<LeaveReport::Drained> DrainAll(Wire* wire, const std::vector<RegistrationReport>& registered, const DrainOptions& options) {
  std::vector<LeaveReport::Drained> drained(registered.size());
  const absl::Duration end = Clock::System().SinceBoot() + options.timeout;
  std::atomic<size_t> next = 0;  // Hands out places; the threads' ends order what they wrote.
  const auto drain = [&] {
    for (size_t i = next++; i < registered.size(); i = next++) {
      DrainOptions left = options;
      left.timeout = std::clamp(end - Clock::System().SinceBoot(), absl::ZeroDuration(), options.timeout);
      if (left.timeout == absl::ZeroDuration()) left.linger = absl::ZeroDuration();
      const absl::StatusOr<discovery::v1::DrainResponse> response = CallDrain(wire, registered[i].name, registered[i].epoch, left);
      drained[i] = {.name = registered[i].name, .status = response.status()};
      if (response.ok()) drained[i].drain = DrainReportOf(*response);
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min<size_t>(kDrainThreadsMax, registered.size()); ++i) {
    try {
      threads.emplace_back(drain);
    } catch (const std::system_error&) {
      break;  // No thread is to be had: those that there are do it all.
    }
  }
  drain();
  for (std::thread& thread : threads) thread.join();
  return drained;
}

}  // namespace scoutlight::client

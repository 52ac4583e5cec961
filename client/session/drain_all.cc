#include "client/session/drain_all.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#include "absl/strings/str_cat.h"
#include "client/wire/drain_call.h"
#include "client/wire/session_conversion.h"

namespace scoutlight::client {
namespace {

absl::Status NotBegun(const DrainOptions& options) {
  return absl::DeadlineExceededError(absl::StrCat("the drain was not begun: those of other instances took more than the ",
                                                  absl::FormatDuration(options.timeout + options.linger), " that there were for all"));
}

}  // namespace

std::vector<LeaveReport::Drained> DrainAll(Wire* wire, const std::vector<RegistrationReport>& registered, const DrainOptions& options) {
  const auto drain_one = [wire](const RegistrationReport& one, const DrainOptions& left) {
    return CallDrain(wire, one.name, one.epoch, left);
  };
  return DrainAll(drain_one, &Clock::System(), registered, options);
}

std::vector<LeaveReport::Drained> DrainAll(const DrainOne& drain_one, Clock* clock, const std::vector<RegistrationReport>& registered,
                                           const DrainOptions& options) {
  std::vector<LeaveReport::Drained> drained(registered.size());
  const absl::Duration end = clock->SinceBoot() + options.timeout;
  std::atomic<size_t> next = 0;  // Hands out places; the threads' ends order what they wrote.
  const auto drain = [&] {
    for (size_t i = next++; i < registered.size(); i = next++) {
      drained[i].name = registered[i].name;
      const absl::Duration now = clock->SinceBoot();
      if (now > end + options.linger + kDrainGrace) {
        drained[i].status = NotBegun(options);
        continue;
      }
      DrainOptions left = options;
      left.timeout = std::clamp(end - now, absl::ZeroDuration(), options.timeout);
      if (left.timeout == absl::ZeroDuration()) left.linger = absl::ZeroDuration();
      const absl::StatusOr<discovery::v1::DrainResponse> response = drain_one(registered[i], left);
      drained[i].status = response.status();
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

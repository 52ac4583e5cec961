#include "client/session/drain_all.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

constexpr absl::Duration kSilence = absl::Seconds(5);

// Stands still but when a test moves it. Thread-safe.
class StillClock final : public Clock {
 public:
  absl::Time Now() override { return absl::UnixEpoch() + SinceBoot(); }
  absl::Duration SinceBoot() override { return absl::Seconds(seconds_.load()); }
  void Advance(absl::Duration by) { seconds_ += absl::ToInt64Seconds(by); }

 private:
  std::atomic<int64_t> seconds_{1};
};

std::vector<RegistrationReport> Registered(int count) {
  std::vector<RegistrationReport> registered(count);
  for (int i = 0; i < count; ++i) registered[i] = {.name = {"default", "Printer", absl::StrCat("i", i)}, .epoch = i + 1};
  return registered;
}

TEST(DrainAllTest, EachIsDrainedEvenWithoutTimeToWait) {
  StillClock clock;
  std::atomic<int> calls{0};
  const auto drained = DrainAll(
      [&](const RegistrationReport&, const DrainOptions& left) {
        EXPECT_EQ(left.timeout, absl::ZeroDuration());
        ++calls;
        return discovery::v1::DrainResponse();
      },
      &clock, Registered(100), {.timeout = absl::ZeroDuration()});
  EXPECT_EQ(calls, 100);
  for (const LeaveReport::Drained& one : drained) EXPECT_TRUE(one.status.ok()) << one.status;
}

TEST(DrainAllTest, AServerThatIsSilentIsNotAskedForEachWhenTheTimeIsOver) {
  StillClock clock;
  std::atomic<int> calls{0};
  const DrainOptions options{.timeout = absl::Seconds(30), .linger = absl::Seconds(10)};
  const std::vector<RegistrationReport> registered = Registered(1'000);
  const auto drained = DrainAll(
      [&](const RegistrationReport&, const DrainOptions&) {
        ++calls;
        clock.Advance(kSilence);
        return absl::UnavailableError("silent");
      },
      &clock, registered, options);
  EXPECT_LE(calls, (options.timeout + options.linger + kDrainGrace) / kSilence + 1 + kDrainThreadsMax);
  int not_begun = 0;
  for (size_t i = 0; i < drained.size(); ++i) {
    EXPECT_EQ(drained[i].name, registered[i].name);
    not_begun += absl::IsDeadlineExceeded(drained[i].status) ? 1 : 0;
  }
  EXPECT_EQ(not_begun, 1'000 - calls);
}

}  // namespace
}  // namespace scoutlight::client

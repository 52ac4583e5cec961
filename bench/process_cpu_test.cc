#include "bench/process_cpu.h"

#include <sys/resource.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace scoutlight::bench {
namespace {

TEST(ProcessCpu, CountsWhatAProcessWorked) {
  absl::StatusOr<absl::Duration> before = ProcessCpu(getpid());
  ASSERT_TRUE(before.ok()) << before.status();
  rusage usage{};
  const auto worked = [&usage] {
    getrusage(RUSAGE_SELF, &usage);
    return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
  };
  const absl::Duration start = worked();
  while (worked() - start < absl::Milliseconds(100)) {
  }
  absl::StatusOr<absl::Duration> after = ProcessCpu(getpid());
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_GE(*after - *before, absl::Milliseconds(70));
}

TEST(ProcessCpu, UnknownProcessIsNotFound) {
  // Above the kernel's largest possible process id, 2^22.
  EXPECT_EQ(ProcessCpu(1 << 23).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace scoutlight::bench

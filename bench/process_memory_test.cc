#include "bench/process_memory.h"

#include <unistd.h>

#include <vector>

#include "gtest/gtest.h"

namespace scoutlight::bench {
namespace {

TEST(ResidentBytes, CountsWhatAProcessTouched) {
  absl::StatusOr<int64_t> before = ResidentBytes(getpid());
  ASSERT_TRUE(before.ok()) << before.status();
  constexpr int64_t kTouched = 64 << 20;
  const std::vector<char> memory(kTouched, 'x');
  absl::StatusOr<int64_t> after = ResidentBytes(getpid());
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_GE(*after - *before, kTouched * 9 / 10);
#ifndef SCOUTLIGHT_SANITIZED  // Else the sanitizer's own comes to it.
  EXPECT_LE(*after - *before, kTouched * 11 / 10);
#endif
  EXPECT_EQ(memory.back(), 'x');
}

TEST(ResidentBytes, UnknownProcessIsNotFound) {
  // Above the kernel's largest possible process id, 2^22.
  EXPECT_EQ(ResidentBytes(1 << 23).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace scoutlight::bench

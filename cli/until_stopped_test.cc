#include "cli/until_stopped.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

namespace scoutlight::cli {
namespace {

// The code of a try to make one while the process may have `more` descriptors.
absl::StatusCode CodeWithDescriptors(int more) {
  const int free = dup(STDERR_FILENO);
  close(free);
  rlimit before{};
  EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few = {.rlim_cur = static_cast<rlim_t>(free + more), .rlim_max = before.rlim_max};
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const absl::StatusCode code = UntilStopped::Create().status().code();
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  return code;
}

bool IsBlocked(int signal) {
  sigset_t blocked;
  EXPECT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &blocked), 0);
  return sigismember(&blocked, signal) == 1;
}

TEST(UntilStopped, OneThatCouldNotHearOfASignalIsNotMade) {
  EXPECT_EQ(CodeWithDescriptors(0), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeWithDescriptors(1), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(IsBlocked(SIGTERM));
  EXPECT_TRUE(UntilStopped::Create().ok());
}

TEST(UntilStopped, SignalsAreItsOwnUnlessTheyAreIgnored) {
  // Whoever runs the tests may have them ignored.
  for (const int taken : {SIGINT, SIGTERM, SIGQUIT}) signal(taken, SIG_DFL);
  const auto before = signal(SIGHUP, SIG_IGN);
  {
    const auto until = UntilStopped::Create();
    ASSERT_TRUE(until.ok()) << until.status();
    for (const int taken : {SIGINT, SIGTERM, SIGQUIT}) {
      EXPECT_TRUE(IsBlocked(taken));
      ASSERT_EQ(raise(taken), 0);
      EXPECT_EQ((*until)->Wait(absl::InfiniteDuration()), absl::OkStatus());
      EXPECT_EQ((*until)->signal(), taken);
    }
    EXPECT_FALSE(IsBlocked(SIGHUP));
  }
  signal(SIGHUP, before);
  EXPECT_FALSE(IsBlocked(SIGINT));
}

TEST(UntilStopped, TheFirstEndCounts) {
  const auto until = UntilStopped::Create(UntilStopped::WhenUnread::kGoesOn);
  ASSERT_TRUE(until.ok()) << until.status();
  (*until)->End(absl::NotFoundError("first"));
  (*until)->End(absl::OkStatus());
  EXPECT_EQ((*until)->Wait(absl::InfiniteDuration()), absl::NotFoundError("first"));
  EXPECT_EQ((*until)->signal(), 0);
}

}  // namespace
}  // namespace scoutlight::cli

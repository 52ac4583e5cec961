#include "client/events/try_thread.h"

#include <sys/resource.h>

#include <cstdlib>

#include "client/events/thread_end.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

TEST(TryThread, RunsWhatItIsGiven) {
  const auto end = std::make_shared<ThreadEnd>();
  ASSERT_TRUE(TryThread([end] { end->Tell(); }));
  EXPECT_TRUE(end->Await(absl::Seconds(60)));
}

#ifndef SCOUTLIGHT_SANITIZED  // They need more address space than anybody has.
TEST(TryThreadDeathTest, ThatThereIsNoneIsAnAnswer) {
  // In a process of its own: the stacks of threads that have ended are taken again.
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto try_it = [] {
    const rlimit nothing_more = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    if (setrlimit(RLIMIT_AS, &nothing_more) != 0) std::_Exit(2);
    std::_Exit(TryThread([] {}) ? 1 : 0);
  };
  EXPECT_EXIT(try_it(), ::testing::ExitedWithCode(0), "");
}
#endif

}  // namespace
}  // namespace scoutlight::client

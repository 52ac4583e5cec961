#include "client/events/thread_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "client/events/run_and_wait.h"

namespace scoutlight::client {
namespace {

constexpr absl::Duration kStop = absl::Seconds(30);

TEST(ThreadLoop, RunsTasksInTheOrderOfPosts) {
  ThreadLoop loop;
  std::vector<int> ran;
  for (int i = 0; i < 100; ++i) loop.Post([&ran, i] { ran.push_back(i); });
  RunAndWait(&loop, [] {});
  ASSERT_EQ(ran.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ran[i], i);
}

TEST(ThreadLoop, RunsTimersWhenTheyAreDueAndNotWhenCancelled) {
  ThreadLoop loop;
  std::promise<void> ran;
  std::atomic<bool> cancelled_ran = false;
  const EventLoop::TimerId timer = loop.PostAfter(absl::Milliseconds(1), [&] { cancelled_ran = true; });
  RunAndWait(&loop, [&loop, timer] { loop.Cancel(timer); });
  const absl::Duration start = loop.Now();
  const bool before = cancelled_ran;
  loop.PostAfter(absl::Milliseconds(20), [&] { ran.set_value(); });
  ran.get_future().wait();
  EXPECT_GE(loop.Now() - start, absl::Milliseconds(20));
  EXPECT_EQ(cancelled_ran, before);
}

TEST(ThreadLoop, TellsItsOwnThread) {
  ThreadLoop loop;
  EXPECT_FALSE(loop.IsRunningTask());
  RunAndWait(&loop, [&loop] { EXPECT_TRUE(loop.IsRunningTask()); });
}

TEST(ThreadLoop, DestroysWhatHasNotRunWhenItStops) {
  const auto held = std::make_shared<int>(1);
  bool ran = false;
  {
    ThreadLoop loop;
    loop.PostAfter(absl::Hours(1), [held, &ran] { ran = true; });
    loop.Stop(kStop);
    loop.Post([held, &ran] { ran = true; });
    EXPECT_EQ(held.use_count(), 1);
  }
  EXPECT_FALSE(ran);
}

TEST(ThreadLoop, StopsWithinItsBoundWhenATaskHangs) {
  std::promise<void> release;
  auto ended = std::make_shared<std::promise<void>>();
  std::future<void> end = ended->get_future();
  {
    ThreadLoop loop;
    std::promise<void> running;
    loop.Post([&running, released = release.get_future().share(), ended] {
      running.set_value();
      released.wait();
      ended->set_value();
    });
    running.get_future().wait();
    loop.Stop(absl::Milliseconds(1));
  }
  release.set_value();
  end.wait();
}

TEST(ThreadLoop, MayBeDestroyedByItsOwnTask) {
  auto loop = std::make_unique<ThreadLoop>();
  std::promise<void> gone;
  ThreadLoop* const raw = loop.get();
  raw->Post([&gone, loop = std::move(loop)]() mutable {
    loop.reset();
    gone.set_value();
  });
  gone.get_future().wait();
}

TEST(ThreadLoop, IsMadeAndDestroyedUnderLoad) {
  for (int i = 0; i < 1'000; ++i) {
    ThreadLoop loop;
    std::atomic<int> ran = 0;
    std::thread poster([&loop, &ran] {
      for (int j = 0; j < 10; ++j) loop.Post([&ran] { ++ran; });
    });
    poster.join();
    RunAndWait(&loop, [] {});
    EXPECT_EQ(ran, 10);
  }
}

TEST(RunAndWait, GoesOnWhenTheLoopHasStopped) {
  ThreadLoop loop;
  loop.Stop(kStop);
  bool ran = false;
  RunAndWait(&loop, [&ran] { ran = true; });
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace scoutlight::client

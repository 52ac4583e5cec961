#include "storage/etcd/serial_thread.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/fake_clock.h"

namespace scoutlight::storage {
namespace {

using ::testing::ElementsAre;

// What one thread waits for and another brings.
class Signal {
 public:
  void Give() {
    MutexLock lock(&mu_);
    given_ = true;
    changed_.NotifyAll();
  }
  void Await() {
    MutexLock lock(&mu_);
    while (!given_) changed_.Wait(&mu_);
  }

 private:
  Mutex mu_;
  CondVar changed_;
  bool given_ ABSL_GUARDED_BY(mu_) = false;
};

// Returns when the thread is asleep, which nobody is told: then a task runs on its caller's thread.
void AwaitSleep(SerialThread& thread) {
  for (std::thread::id ran; ran != std::this_thread::get_id();) {
    Signal done;
    thread.RunOrPost([&] {
      ran = std::this_thread::get_id();
      done.Give();
    });
    done.Await();
  }
}

TEST(SerialThread, ATaskForWhichNothingWaitsRunsOnItsCallersThread) {
  SerialThread thread(&Clock::System());
  AwaitSleep(thread);
  std::thread::id ran;
  thread.RunOrPost([&] { ran = std::this_thread::get_id(); });
  EXPECT_EQ(ran, std::this_thread::get_id());
}

TEST(SerialThread, WhatIsPostedWhileATaskRunsHereComesBehindIt) {
  SerialThread thread(&Clock::System());
  std::vector<int> ran;  // No lock: tasks run one at a time.
  Signal done;
  AwaitSleep(thread);
  thread.RunOrPost([&] {
    // From within, and from another thread.
    thread.RunOrPost([&] { ran.push_back(2); });
    std::thread([&] { thread.RunOrPost([&] { ran.push_back(3); }); }).join();
    thread.PostAfter(absl::Milliseconds(1), [&] {
      ran.push_back(4);
      done.Give();
    });
    ran.push_back(1);
  });
  done.Await();
  EXPECT_THAT(ran, ElementsAre(1, 2, 3, 4));
}

TEST(SerialThread, WhoRunsATaskRunsAFewOfThoseThatComeMeanwhileAndTheThreadTheRest) {
  constexpr int kTasks = 100;
  FakeClock clock;  // As if all took no time.
  SerialThread thread(&clock);
  std::vector<int> ran;
  int ran_here = 0;
  AwaitSleep(thread);
  thread.RunOrPost([&, here = std::this_thread::get_id()] {
    for (int i = 0; i < kTasks; ++i) {
      thread.Post([&, here, i] {
        ran.push_back(i);
        if (std::this_thread::get_id() == here) ++ran_here;
      });
    }
  });
  thread.Stop();
  ASSERT_EQ(ran.size(), static_cast<size_t>(kTasks));
  EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
  EXPECT_GT(ran_here, 0);
  EXPECT_LT(ran_here, kTasks / 2);
}

TEST(SerialThread, WhoHasRunALongTaskLeavesTheRestToTheThread) {
  FakeClock clock;
  SerialThread thread(&clock);
  int ran_here = 0;
  AwaitSleep(thread);
  thread.RunOrPost([&, here = std::this_thread::get_id()] {
    for (int i = 0; i < 2; ++i) {
      thread.Post([&, here] {
        if (std::this_thread::get_id() == here) ++ran_here;
        clock.Advance(absl::Milliseconds(1));
      });
    }
  });
  thread.Stop();
  EXPECT_EQ(ran_here, 1);
}

TEST(SerialThread, StopWaitsForATaskThatRunsElsewhere) {
  SerialThread thread(&Clock::System());
  AwaitSleep(thread);
  Signal begun;
  Signal stopping;
  bool ended = false;
  std::thread other([&] {
    thread.RunOrPost([&] {
      begun.Give();
      stopping.Await();
      thread.Post([&] { ended = true; });
    });
  });
  begun.Await();
  std::thread stop([&] { thread.Stop(); });
  stopping.Give();
  stop.join();
  EXPECT_TRUE(ended);
  other.join();
}

TEST(SerialThread, NothingRunsAfterStop) {
  SerialThread thread(&Clock::System());
  thread.Stop();
  bool ran = false;
  thread.Post([&] { ran = true; });
  thread.RunOrPost([&] { ran = true; });
  EXPECT_FALSE(ran);
}

// Many threads at once: every task runs once, and none beside another.
TEST(SerialThread, TasksOfManyThreadsRunOneAtATime) {
  constexpr int kThreads = 8;
  constexpr int kTasks = 2'000;
  SerialThread thread(&Clock::System());
  int ran = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kTasks; ++j) thread.RunOrPost([&] { ++ran; });
    });
  }
  for (std::thread& other : threads) other.join();
  thread.Stop();
  EXPECT_EQ(ran, kThreads * kTasks);
}

}  // namespace
}  // namespace scoutlight::storage

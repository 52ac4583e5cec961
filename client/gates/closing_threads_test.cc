#include "client/gates/closing_threads.h"

#include <atomic>
#include <memory>
#include <utility>

#include "client/gates/barrier.h"
#include "client/gates/gate_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

// A system with so many threads to give.
struct Threads {
  ThreadStarter starter() {
    return [this](std::function<void()> work) {
      if (started.fetch_add(1) < left.load()) return TryThread(std::move(work));
      started.fetch_sub(1);
      return false;
    };
  }

  std::atomic<int> left = 1'000;
  std::atomic<int> started = 0;
};

TEST(ClosingThreads, TasksRunAtTheSameTimeOnABoundedNumberOfThreads) {
  Threads threads;
  const auto barrier = std::make_shared<Barrier>();
  const auto over = std::make_shared<std::atomic<int>>(0);
  ClosingThreads closing(threads.starter());
  ASSERT_TRUE(closing.Prepare().ok());
  constexpr int kTasks = ClosingThreads::kThreadsMax + 10;
  for (int i = 0; i < kTasks; ++i) {
    closing.Run([barrier, over] {
      barrier->Wait();
      ++*over;
    });
  }
  EXPECT_TRUE(Await([&] { return barrier->came() == ClosingThreads::kThreadsMax; })) << barrier->came();
  // Of those that were started some may have found nothing to do and gone: then others took their places.
  EXPECT_GE(threads.started.load(), ClosingThreads::kThreadsMax);
  barrier->Open();
  EXPECT_TRUE(Await([&] { return over->load() == kTasks; })) << over->load();
}

// A thread that could not be had ended the process.
TEST(ClosingThreads, WithoutMoreThreadsTasksRunOneAfterTheOther) {
  Threads threads;
  threads.left = 1;
  const auto over = std::make_shared<std::atomic<int>>(0);
  ClosingThreads closing(threads.starter());
  ASSERT_TRUE(closing.Prepare().ok());
  for (int i = 0; i < 100; ++i) closing.Run([over] { ++*over; });
  EXPECT_TRUE(Await([&] { return over->load() == 100; })) << over->load();
  EXPECT_EQ(threads.started.load(), 1);
}

TEST(ClosingThreads, NoThreadAtAllIsToldBeforeThereIsAnythingToClose) {
  Threads threads;
  threads.left = 0;
  ClosingThreads closing(threads.starter());
  EXPECT_EQ(closing.Prepare().code(), absl::StatusCode::kResourceExhausted);
  threads.left = 1;
  EXPECT_TRUE(closing.Prepare().ok());
  EXPECT_TRUE(closing.Prepare().ok());
  EXPECT_EQ(threads.started.load(), 1);
}

TEST(ClosingThreads, WhatWasGivenRunsWhenNobodyHoldsThemAnyMore) {
  Threads threads;
  threads.left = 1;
  const auto barrier = std::make_shared<Barrier>();
  const auto over = std::make_shared<std::atomic<int>>(0);
  {
    ClosingThreads closing(threads.starter());
    ASSERT_TRUE(closing.Prepare().ok());
    closing.Run([barrier] { barrier->Wait(); });
    for (int i = 0; i < 3; ++i) closing.Run([over] { ++*over; });
  }
  EXPECT_EQ(over->load(), 0);
  barrier->Open();
  EXPECT_TRUE(Await([&] { return over->load() == 3; }));
}

}  // namespace
}  // namespace scoutlight::client

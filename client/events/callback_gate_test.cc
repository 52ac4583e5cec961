#include "client/events/callback_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>

#include "client/events/run_and_wait.h"
#include "client/events/thread_loop.h"

namespace scoutlight::client {
namespace {

TEST(CallbackGate, LetsNothingThroughOnceClosed) {
  ThreadLoop loop;
  std::promise<void> release;
  loop.Post([released = release.get_future().share()] { released.wait(); });
  bool ran = false;
  {
    CallbackGate gate(&loop);
    gate.Post([&ran] { ran = true; });
  }
  release.set_value();
  RunAndWait(&loop, [] {});
  EXPECT_FALSE(ran);
}

TEST(CallbackGate, WaitsForTheCallbackThatRuns) {
  ThreadLoop loop;
  for (int i = 0; i < 1'000; ++i) {
    CallbackGate gate(&loop);
    std::promise<void> running;
    std::atomic<bool> over = false;
    gate.Post([&] {
      running.set_value();
      std::this_thread::yield();
      over = true;
    });
    running.get_future().wait();
    gate.Close();
    EXPECT_TRUE(over);
  }
}

TEST(CallbackGate, MayBeDestroyedInItsCallback) {
  ThreadLoop loop;
  std::promise<void> gone;
  auto gate = std::make_unique<CallbackGate>(&loop);
  gate->Post([&] {
    gate.reset();
    gone.set_value();
  });
  gone.get_future().wait();
}

TEST(CallbackGate, OneThatItsCallbackHasClosedIsNotWaitedForByOthers) {
  ThreadLoop loop;
  CallbackGate gate(&loop);
  std::promise<void> closed;
  std::promise<void> release;
  gate.Post([&] {
    gate.Close();
    closed.set_value();
    release.get_future().wait();
  });
  closed.get_future().wait();
  gate.Close();
  release.set_value();
  RunAndWait(&loop, [] {});
}

}  // namespace
}  // namespace scoutlight::client

#include "base/reader_pool.h"

#include <atomic>
#include <optional>
#include <thread>

#include "gtest/gtest.h"

namespace scoutlight {
namespace {

// Work that lasts until it is let go.
class Gate {
 public:
  ReaderPool::Work Work() {
    return [this] {
      MutexLock lock(&mu_);
      ++entered_;
      changed_.NotifyAll();
      while (!open_) changed_.Wait(&mu_);
    };
  }
  void AwaitEntered(int times) {
    MutexLock lock(&mu_);
    while (entered_ < times) changed_.Wait(&mu_);
  }
  void Open() {
    MutexLock lock(&mu_);
    open_ = true;
    changed_.NotifyAll();
  }

 private:
  Mutex mu_;
  CondVar changed_;
  int entered_ ABSL_GUARDED_BY(mu_) = 0;
  bool open_ ABSL_GUARDED_BY(mu_) = false;
};

TEST(ReaderPool, QueueIsBoundedBesideWhatIsBeingDoneAndRunIsNotHeldToIt) {
  std::atomic<int> done = 0;
  Gate gate;
  ReaderPool pool(2, 3);
  for (int i = 0; i < 2; ++i) pool.Run(gate.Work());
  gate.AwaitEntered(2);
  const auto work = [&done]() -> ReaderPool::Work { return [&done] { ++done; }; };
  for (int i = 0; i < 3; ++i) {
    ReaderPool::Work queued = work();
    EXPECT_TRUE(pool.TryRun(queued)) << i;
  }
  ReaderPool::Work refused = work();
  EXPECT_FALSE(pool.TryRun(refused));
  pool.Run(work());
  gate.Open();
  pool.Close();
  EXPECT_EQ(done, 4);
  std::move(refused)();
  EXPECT_EQ(done, 5) << "what is refused is left untouched";
}

TEST(ReaderPool, ClosedPoolRunsOnTheCallersThread) {
  ReaderPool pool(2, 3);
  pool.Close();
  std::optional<std::thread::id> ran_on;
  pool.Run([&ran_on] { ran_on = std::this_thread::get_id(); });
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

}  // namespace
}  // namespace scoutlight

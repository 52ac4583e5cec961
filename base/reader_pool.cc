#include "base/reader_pool.h"

#include <utility>

namespace scoutlight {

ReaderPool::ReaderPool(int threads, int queued_max) : queued_max_(queued_max), threads_left_(threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

ReaderPool::~ReaderPool() { Close(); }

void ReaderPool::Close() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

bool ReaderPool::TryRun(Work& work) {
  {
    MutexLock lock(&mu_);
    if (queue_.size() >= queued_max_) return false;
    queue_.push_back(std::move(work));
  }
  wake_.NotifyOne();
  return true;
}

void ReaderPool::Run(Work work) {
  bool ended = false;
  {
    MutexLock lock(&mu_);
    // While it stops, its threads still empty the queue, and one of them may be who asks.
    ended = stopping_ && threads_left_ == 0;
    if (!ended) queue_.push_back(std::move(work));
  }
  if (ended) return std::move(work)();
  wake_.NotifyOne();
}

void ReaderPool::Loop() {
  while (true) {
    Work work;
    {
      MutexLock lock(&mu_);
      while (queue_.empty() && !stopping_) wake_.Wait(&mu_);
      if (queue_.empty()) {
        --threads_left_;
        return;
      }
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    std::move(work)();
  }
}

}  // namespace scoutlight

#include "storage/local/reader_pool.h"

#include <utility>

namespace scoutlight::storage {

ReaderPool::ReaderPool(int threads, int queued_max) : queued_max_(queued_max) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

ReaderPool::~ReaderPool() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
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
  {
    MutexLock lock(&mu_);
    queue_.push_back(std::move(work));
  }
  wake_.NotifyOne();
}

void ReaderPool::Loop() {
  while (true) {
    Work work;
    {
      MutexLock lock(&mu_);
      while (queue_.empty() && !stopping_) wake_.Wait(&mu_);
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    std::move(work)();
  }
}

}  // namespace scoutlight::storage

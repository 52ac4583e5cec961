#ifndef SCOUTLIGHT_BASE_READER_POOL_H_
#define SCOUTLIGHT_BASE_READER_POOL_H_

#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "base/mutex.h"

namespace scoutlight {

// A few threads for work too long for a caller's thread, behind a bounded queue. Thread-safe.
class ReaderPool {
 public:
  using Work = absl::AnyInvocable<void() &&>;

  ReaderPool(int threads, int queued_max);
  ~ReaderPool();

  // Carries out what is queued, then ends the threads. What is given to Run later is carried out by the caller.
  void Close();

  // False: the queue is full, and `work` is left untouched.
  bool TryRun(Work& work);

  // Like TryRun, but for the store's own work, for answers, which are bounded by what they answer, and for long messages of streams, of
  // which each has one: always accepted. They count in what TryRun finds queued.
  void Run(Work work);

 private:
  void Loop();

  const size_t queued_max_;
  Mutex mu_;
  CondVar wake_;
  std::deque<Work> queue_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  int threads_left_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_READER_POOL_H_

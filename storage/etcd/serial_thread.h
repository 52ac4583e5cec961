#ifndef SCOUTLIGHT_STORAGE_ETCD_SERIAL_THREAD_H_
#define SCOUTLIGHT_STORAGE_ETCD_SERIAL_THREAD_H_

#include <deque>
#include <map>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace scoutlight::storage {

// Runs tasks one at a time, so that what only tasks touch needs no lock: those of Post and PostAfter on one thread, in the order they came.
// Tasks must not block. Thread-safe. Its queue is as long as its users have calls in flight, who bound those.
class SerialThread {
 public:
  using Task = absl::AnyInvocable<void() &&>;

  explicit SerialThread(Clock* clock);  // Outlives this; says when a later task is due.
  ~SerialThread() { Stop(); }
  SerialThread(const SerialThread&) = delete;
  SerialThread& operator=(const SerialThread&) = delete;

  // After Stop() the task is dropped.
  void Post(Task task);
  // Runs `task` inside the call if no other one runs or waits, and then a few of those that came meanwhile, for a moment: that saves
  // switches of threads. Else as Post. For who holds no lock and is no task itself.
  void RunOrPost(Task task);
  // Runs `task` no earlier than `delay` from now. Dropped if Stop() comes first.
  void PostAfter(absl::Duration delay, Task task);

  // Blocks until what was posted has run, what that posts included. Not to be called by a task. Idempotent.
  void Stop();

 private:
  void Run();
  void Push(Task task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Clock& clock_;
  Mutex mu_;
  CondVar wake_;
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mu_);
  std::multimap<absl::Duration, Task> later_ ABSL_GUARDED_BY(mu_);  // By when they are due, on the clock's SinceBoot().
  bool sleeps_ ABSL_GUARDED_BY(mu_) = false;  // The thread has nothing to do, or may do nothing, and has not been woken.
  bool lent_ ABSL_GUARDED_BY(mu_) = false;    // A caller of RunOrPost runs tasks.
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // Last: it uses what stands above.
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_SERIAL_THREAD_H_

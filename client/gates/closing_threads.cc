#include "client/gates/closing_threads.h"

#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace scoutlight::client {

class ClosingThreads::State : public std::enable_shared_from_this<State> {
 public:
  explicit State(ThreadStarter start) : start_(std::move(start)) {}

  absl::Status Prepare() {
    // Held until it is there, so that there is one.
    MutexLock lock(&mu_);
    if (prepared_) return absl::OkStatus();
    prepared_ = start_([state = shared_from_this()] { state->Work(Stays::kYes); });
    if (!prepared_) return absl::ResourceExhaustedError("no thread to close sockets on");
    ++threads_;
    return absl::OkStatus();
  }

  void Run(std::function<void()> task) {
    {
      MutexLock lock(&mu_);
      waiting_.push_back(std::move(task));
      changed_.NotifyOne();
      if (waiting_.size() <= static_cast<size_t>(idle_) || threads_ == kThreadsMax) return;
      ++threads_;
    }
    if (start_([state = shared_from_this()] { state->Work(Stays::kNo); })) return;
    // It waits for one of those that are there.
    MutexLock lock(&mu_);
    --threads_;
  }

  void Stop() {
    MutexLock lock(&mu_);
    stopped_ = true;
    changed_.NotifyAll();
  }

 private:
  enum class Stays { kYes, kNo };

  void Work(Stays stays) {
    while (std::function<void()> task = Take(stays)) task();
  }
  // The next task; null: this thread is to go.
  std::function<void()> Take(Stays stays) {
    MutexLock lock(&mu_);
    ++idle_;
    while (waiting_.empty() && stays == Stays::kYes && !stopped_) changed_.Wait(&mu_);
    --idle_;
    if (waiting_.empty()) {
      --threads_;
      return nullptr;
    }
    std::function<void()> task = std::move(waiting_.front());
    waiting_.pop_front();
    return task;
  }

  const ThreadStarter start_;
  Mutex mu_;
  CondVar changed_;
  bool prepared_ ABSL_GUARDED_BY(mu_) = false;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  int threads_ ABSL_GUARDED_BY(mu_) = 0;
  int idle_ ABSL_GUARDED_BY(mu_) = 0;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mu_);
};

ClosingThreads::ClosingThreads(ThreadStarter start) : state_(std::make_shared<State>(std::move(start))) {}
ClosingThreads::~ClosingThreads() { state_->Stop(); }
absl::Status ClosingThreads::Prepare() { return state_->Prepare(); }
void ClosingThreads::Run(std::function<void()> task) { state_->Run(std::move(task)); }

}  // namespace scoutlight::client

#ifndef SCOUTLIGHT_CLIENT_SESSION_CHANGE_QUEUE_H_
#define SCOUTLIGHT_CLIENT_SESSION_CHANGE_QUEUE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "base/mutex.h"
#include "client/registration.h"

namespace scoutlight::client {

// What the program is still to be told: of each instance the newest report, in the order in which their first ones came. How many
// instances there are bounds it. Thread-safe.
class ChangeQueue {
 public:
  explicit ChangeQueue(std::function<void(const RegistrationReport&)> on_change) : on_change_(std::move(on_change)) {}

  // True: TellOne() must be called once more.
  bool Add(const RegistrationReport& report) {
    MutexLock lock(&mu_);
    const bool is_new = newest_.insert_or_assign(report.name, report).second;
    if (is_new) order_.push_back(report.name);
    return is_new;
  }
  // Tells the program the next one.
  void TellOne() {
    RegistrationReport report;
    {
      MutexLock lock(&mu_);
      const auto next = newest_.find(order_.front());
      order_.pop_front();
      report = std::move(next->second);
      newest_.erase(next);
    }
    on_change_(report);
  }
  size_t size() const {
    MutexLock lock(&mu_);
    return newest_.size();
  }

 private:
  const std::function<void(const RegistrationReport&)> on_change_;
  mutable Mutex mu_;
  std::deque<discovery::InstanceName> order_ ABSL_GUARDED_BY(mu_);
  absl::btree_map<discovery::InstanceName, RegistrationReport> newest_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_SESSION_CHANGE_QUEUE_H_

#ifndef SCOUTLIGHT_CLIENT_LOCATOR_SERVICE_STATE_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_SERVICE_STATE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/locator/service_calls.h"
#include "discovery/names.h"
#include "discovery/service_snapshot.h"

namespace scoutlight::client {

// What a locator knows of one service at one time.
struct Known {
  discovery::SnapshotPtr snapshot;  // Null: nothing.
  bool told = false;                // By a server; else it was read from a file.
  bool usable = false;              // There is no better to be waited for.
  bool kept = false;                // Some are kept though the store was replaced.
  bool too_old = false;             // Older than what the program wants to act on.
  bool forgotten = false;           // The locator follows the service no more. The last state.
};

// One service between the loop, which learns, and the threads that pick. Thread-safe.
class ServiceState {
 public:
  ServiceState(discovery::ServiceName name, std::optional<EjectionOptions> ejection, Clock* clock)
      : name_(std::move(name)), followed_at_(clock->SinceBoot()), calls_(std::make_shared<ServiceCalls>(ejection, clock, version_)) {}

  const discovery::ServiceName& name() const { return name_; }
  absl::Duration followed_at() const { return followed_at_; }
  const std::shared_ptr<ServiceCalls>& calls() const { return calls_; }

  // Another one: what was read before is not current any more. Sequentially consistent, as the count of a view's picks is: of a pick and a
  // change, one sees the other.
  uint64_t version() const { return version_->load(std::memory_order_seq_cst); }
  // What a version is read from for longer than this lives.
  const std::shared_ptr<std::atomic<uint64_t>>& shared_version() const { return version_; }

  void Publish(Known known) {
    if (known.forgotten) forgotten_.store(true, std::memory_order_relaxed);
    if (known.snapshot != nullptr) calls_->SetInstances(*known.snapshot);
    {
      MutexLock lock(&mu_);
      known_ = std::move(known);
    }
    version_->fetch_add(1, std::memory_order_seq_cst);
  }
  Known known() const {
    MutexLock lock(&mu_);
    return known_;
  }

  // Whether Known::forgotten has been published.
  bool forgotten() const { return forgotten_.load(std::memory_order_relaxed); }

  // When what is known was last told to be current; nullopt: never. Relaxed: an age orders nothing.
  void SetCurrentAt(absl::Duration at) { current_at_.store(absl::ToInt64Nanoseconds(at), std::memory_order_relaxed); }
  std::optional<absl::Duration> current_at() const {
    const int64_t at = current_at_.load(std::memory_order_relaxed);
    return at == kNever ? std::nullopt : std::optional(absl::Nanoseconds(at));
  }

 private:
  static constexpr int64_t kNever = INT64_MIN;

  const discovery::ServiceName name_;
  const absl::Duration followed_at_;
  const std::shared_ptr<std::atomic<uint64_t>> version_ = std::make_shared<std::atomic<uint64_t>>(1);
  const std::shared_ptr<ServiceCalls> calls_;
  std::atomic<int64_t> current_at_{kNever};  // Nanoseconds since boot.
  std::atomic<bool> forgotten_{false};       // Relaxed: it orders nothing.
  mutable Mutex mu_;
  Known known_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_SERVICE_STATE_H_

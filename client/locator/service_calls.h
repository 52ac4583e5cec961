#ifndef SCOUTLIGHT_CLIENT_LOCATOR_SERVICE_CALLS_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_SERVICE_CALLS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "client/ejection_options.h"
#include "discovery/instance.h"
#include "discovery/service_snapshot.h"

namespace scoutlight::client {

// What this program's calls of one instance have come to. A cache line of its own: calls of different instances do not meet. All relaxed:
// counts order nothing.
struct alignas(64) CallRecord {
  std::atomic<int32_t> in_flight{0};
  std::atomic<int32_t> failed_in_row{0};
  std::atomic<uint32_t> succeeded{0};  // In this interval, as `failed`.
  std::atomic<uint32_t> failed{0};
  std::atomic<bool> ejected{false};

  // ServiceCalls', under its mutex.
  Revision epoch = 0;
  absl::Duration ejected_at;
  int ejections = 0;  // By how much the next one is longer.
};

// The records of one service's instances, and who of them is ejected; see EjectionOptions. Thread-safe; nothing blocks.
class ServiceCalls {
 public:
  // `ejection`: none without. `clock` outlives this. `version` is raised when another set is ejected.
  ServiceCalls(std::optional<EjectionOptions> ejection, Clock* clock, std::shared_ptr<std::atomic<uint64_t>> version)
      : ejection_(ejection), clock_(*clock), version_(std::move(version)) {}

  // A registration anew begins with a record of its own.
  std::shared_ptr<CallRecord> RecordOf(const discovery::Instance& instance);

  void Succeeded(CallRecord* record);
  void Failed(CallRecord* record);

  // The instances are these now. Records of others go.
  void SetInstances(const discovery::ServiceSnapshot& snapshot);
  // To be called often: when an interval is over, judges by its shares and ends ejections.
  void Sweep();

  int ejected() const;

 private:
  void Eject(CallRecord* record);
  bool MayEject() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool MarkEjected(CallRecord* record, absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool JudgeShares(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool EndEjections(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RaiseVersion() { version_->fetch_add(1, std::memory_order_seq_cst); }

  const std::optional<EjectionOptions> ejection_;
  Clock& clock_;
  const std::shared_ptr<std::atomic<uint64_t>> version_;

  mutable Mutex mu_;
  absl::flat_hash_map<std::string, std::shared_ptr<CallRecord>> records_ ABSL_GUARDED_BY(mu_);  // By id.
  size_t instances_ ABSL_GUARDED_BY(mu_) = 0;                                                   // That take work.
  int ejected_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration interval_began_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_SERVICE_CALLS_H_

#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_HEALTH_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_HEALTH_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "storage/etcd/etcd_client.h"
#include "storage/store.h"

namespace scoutlight::storage {

// What the answers of etcd say of the store as a whole. Thread-safe.
//
// Unavailable: no answer for `silent_max` though it was asked, or for ever (SetProblem). Read-only: it refuses puts because its space is
// used up (NOSPACE), until a fence could be put again.
class EtcdHealth {
 public:
  EtcdHealth(Clock& clock, absl::Duration silent_max) : clock_(clock), silent_max_(silent_max), answered_(clock.SinceBoot()) {}

  void NoteRead(const RpcOutcome& outcome);
  void NoteWrite(const RpcOutcome& outcome);
  // Of a fence, which is nothing but a put: other writes may pass where puts do not.
  void NoteFence(const RpcOutcome& outcome);
  // Not OK: there is no way back.
  void SetProblem(const absl::Status& problem);

  StoreHealth Look() const;
  // OK, or what SetProblem was told: every call ends with it.
  absl::Status problem() const;
  bool is_full() const;

 private:
  Clock& clock_;
  const absl::Duration silent_max_;
  mutable Mutex mu_;
  absl::Duration answered_ ABSL_GUARDED_BY(mu_);  // Since boot.
  std::string failure_ ABSL_GUARDED_BY(mu_);      // Of the last call since, if it was left without an answer.
  std::string full_ ABSL_GUARDED_BY(mu_);
  absl::Status problem_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_HEALTH_H_

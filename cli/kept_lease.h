#ifndef SCOUTLIGHT_CLI_KEPT_LEASE_H_
#define SCOUTLIGHT_CLI_KEPT_LEASE_H_

#include <functional>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "client/registry.h"

namespace scoutlight::cli {

// A lease that is renewed on a thread of its own, and of which this process can say for certain until when it lives, whatever the server
// does: its time counts from before a renewal is asked for, not from the answer. A LeaseKeeper cannot say that. Thread-safe, but the
// destructor comes alone.
class KeptLease {
 public:
  // `on_change` is called on a thread of this, when certain_until() has moved or status() is not OK any more. Errors: as GrantLease.
  // Blocks.
  static absl::StatusOr<std::unique_ptr<KeptLease>> Grant(Registry registry, absl::Duration ttl, std::function<void()> on_change);
  // Renews it no more; it ends within its ttl. Waits for a call that is under way: at most kCallTimeout.
  ~KeptLease();
  KeptLease(const KeptLease&) = delete;
  KeptLease& operator=(const KeptLease&) = delete;

  LeaseId id() const { return id_; }
  absl::Duration ttl() const { return ttl_; }
  // By Clock::SinceBoot(), which goes on while the machine sleeps.
  absl::Duration certain_until() const;
  // OK, or kNotFound: it is gone.
  absl::Status status() const;

  // Ends it, and with it its keys. Errors: as RevokeLease, but gone already is OK. Blocks.
  absl::Status Revoke();

  static constexpr absl::Duration kCallTimeout = absl::Seconds(2);

 private:
  KeptLease(Registry registry, const Lease& lease, absl::Duration certain_until, std::function<void()> on_change);
  void Stop();
  void RenewAll();
  // Whether it goes on, after which pause.
  bool RenewOnce(absl::Duration* pause);

  const Registry registry_;
  const LeaseId id_;
  const absl::Duration ttl_;
  const std::function<void()> on_change_;
  mutable Mutex mu_;
  CondVar stopped_;
  bool stops_ ABSL_GUARDED_BY(mu_) = false;
  absl::Duration certain_until_ ABSL_GUARDED_BY(mu_);
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  std::thread renewing_;  // The last: it uses the others.
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_KEPT_LEASE_H_

#include "cli/kept_lease.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace scoutlight::cli {
namespace {

// After a renewal that failed.
constexpr absl::Duration kFailedPause = absl::Milliseconds(200);

absl::Duration Now() { return Clock::System().SinceBoot(); }

absl::Duration IntervalOf(absl::Duration ttl) { return ttl / 3; }

}  // namespace

absl::StatusOr<std::unique_ptr<KeptLease>> KeptLease::Grant(Registry registry, absl::Duration ttl, std::function<void()> on_change) {
  const absl::Duration asked_at = Now();
  const absl::StatusOr<GrantResult> granted = registry.GrantLease(ttl);
  if (!granted.ok()) return granted.status();
  return std::unique_ptr<KeptLease>(
      new KeptLease(std::move(registry), granted->lease, asked_at + granted->lease.ttl, std::move(on_change)));
}

KeptLease::KeptLease(Registry registry, const Lease& lease, absl::Duration certain_until, std::function<void()> on_change)
    : registry_(std::move(registry)),
      id_(lease.id),
      ttl_(lease.ttl),
      on_change_(std::move(on_change)),
      certain_until_(certain_until),
      renewing_([this] { RenewAll(); }) {}

KeptLease::~KeptLease() { Stop(); }

void KeptLease::Stop() {
  {
    const MutexLock lock(&mu_);
    stops_ = true;
  }
  stopped_.NotifyAll();
  if (renewing_.joinable()) renewing_.join();
}

absl::Duration KeptLease::certain_until() const {
  const MutexLock lock(&mu_);
  return certain_until_;
}

absl::Status KeptLease::status() const {
  const MutexLock lock(&mu_);
  return status_;
}

absl::Status KeptLease::Revoke() {
  Stop();
  const absl::StatusOr<RevokeResult> revoked = registry_.RevokeLease(id_, kCallTimeout);
  return absl::IsNotFound(revoked.status()) ? absl::OkStatus() : revoked.status();
}

void KeptLease::RenewAll() {
  absl::Duration pause = IntervalOf(ttl_);
  for (;;) {
    {
      const MutexLock lock(&mu_);
      const absl::Duration until = Now() + pause;
      while (!stops_ && Now() < until) stopped_.WaitFor(&mu_, until - Now());
      if (stops_) return;
    }
    if (!RenewOnce(&pause)) return;
  }
}

bool KeptLease::RenewOnce(absl::Duration* pause) {
  const absl::Duration asked_at = Now();
  const absl::StatusOr<RenewResult> renewed = registry_.RenewLease(id_, std::min(kCallTimeout, IntervalOf(ttl_)));
  *pause = renewed.ok() ? std::max(asked_at + IntervalOf(ttl_) - Now(), absl::ZeroDuration()) : kFailedPause;
  if (!renewed.ok() && !absl::IsNotFound(renewed.status())) return true;
  {
    const MutexLock lock(&mu_);
    if (renewed.ok()) {
      certain_until_ = asked_at + renewed->ttl;
    } else {
      status_ = renewed.status();
    }
  }
  on_change_();
  return renewed.ok();
}

}  // namespace scoutlight::cli

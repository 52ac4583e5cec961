#include "client/lease_keeper.h"

#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "client/events/callback_gate.h"
#include "client/events/run_and_wait.h"
#include "client/lease/lease_renewals.h"
#include "client/wire/wire.h"

namespace scoutlight {
namespace {

using client::LeaseRenewals;

// `wire` outlives its parts.
std::shared_ptr<LeaseRenewals> RenewalsOf(client::Wire* wire) {
  return wire->Part<LeaseRenewals>([wire] {
    return std::make_unique<LeaseRenewals>(
        LeaseRenewals::Options{.loop = &wire->loop(),
                               .open = wire->keep_alive_streams(),
                               .unit_random = wire->unit_random(),
                               .saw = [wire](Revision revision, const StoreId& store_id) { wire->Saw(revision, store_id); }});
  });
}

absl::Status CheckLease(LeaseId lease_id, absl::Duration ttl) {
  std::vector<FieldViolation> wrong;
  if (lease_id <= 0) wrong.push_back({"lease_id", absl::StrCat("must be positive, is ", lease_id)});
  if (ttl < limits::kLeaseTtlMin || ttl > limits::kLeaseTtlMax) {
    wrong.push_back({"ttl", absl::StrCat("must be 1s to 24h, is ", absl::FormatDuration(ttl))});
  }
  return wrong.empty() ? absl::OkStatus() : InvalidFields(Reason::kInvalidField, std::move(wrong));
}

}  // namespace

struct LeaseKeeper::Core {
  explicit Core(std::shared_ptr<client::Wire> its_wire, OnLost its_on_lost)
      : wire(std::move(its_wire)),
        renewals(RenewalsOf(wire.get())),
        on_lost(std::make_shared<const OnLost>(std::move(its_on_lost))),
        gate(&wire->callbacks()) {}

  // On the loop, as long as the keeper is there. Of LeaseRenewals; kNotFound is the only one after which it does not go on.
  void OnChange(const absl::Status& status) {
    SetState(status);
    if (status.code() == absl::StatusCode::kNotFound) TellLost(status);
  }
  void OnWrongArguments(const absl::Status& status) {
    SetState(status);
    TellLost(status);
  }

  void SetState(const absl::Status& status) {
    MutexLock lock(&mu);
    state = status;
    if (status.ok()) renewed_at = wire->loop().Now();
  }
  void TellLost(const absl::Status& status) {
    if (*on_lost == nullptr) return;
    gate.Post([on_lost = on_lost, status] { (*on_lost)(status); });
  }

  const std::shared_ptr<client::Wire> wire;  // Goes last.
  const std::shared_ptr<LeaseRenewals> renewals;
  const std::shared_ptr<const OnLost> on_lost;
  // On the loop alone.
  LeaseRenewals::Handle handle = 0;  // 0: none.
  mutable Mutex mu;
  absl::Status state ABSL_GUARDED_BY(mu) = absl::UnavailableError("not renewed yet");
  absl::Duration renewed_at ABSL_GUARDED_BY(mu) = -absl::InfiniteDuration();
  client::CallbackGate gate;
};

LeaseKeeper::LeaseKeeper(Connection connection, LeaseId lease_id, absl::Duration ttl, OnLost on_lost)
    : core_(std::make_unique<Core>(connection.wire(), std::move(on_lost))) {
  Core* const core = core_.get();
  core->wire->loop().Post([core, lease_id, ttl] {
    if (const absl::Status wrong = CheckLease(lease_id, ttl); !wrong.ok()) return core->OnWrongArguments(wrong);
    core->handle = core->renewals->Add(lease_id, ttl, [core](const absl::Status& status) { core->OnChange(status); });
  });
}

LeaseKeeper::~LeaseKeeper() {
  Core* const core = core_.get();
  client::RunAndWait(&core->wire->loop(), [core] { core->renewals->Remove(core->handle); });
  core->gate.Close();
}

absl::Status LeaseKeeper::state() const {
  MutexLock lock(&core_->mu);
  return core_->state;
}

absl::Duration LeaseKeeper::since_renewed() const {
  MutexLock lock(&core_->mu);
  return core_->wire->loop().Now() - core_->renewed_at;
}

}  // namespace scoutlight

#include "storage/local/lease_keeper.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/limits.h"
#include "storage/local/layout.h"
#include "storage/local/lease_life.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

// So many leases may end at once after a time in which none did: few enough that a writer does not wait long behind them.
constexpr double kEndsAtOnceMax = 50;
constexpr int kLooksPerTickWhenBusy = 10;
// A crash forgets at most a quarter of a life, and at most this much.
constexpr absl::Duration kUptimeForgottenMax = absl::Seconds(1);

LeaseInfo InfoOf(const Lease& lease, absl::Duration now) {
  return {.id = lease.id, .ttl = lease.ttl, .remaining = std::max(absl::ZeroDuration(), lease.ends - now), .keys = {}};
}

absl::Duration DrawJitter(absl::Duration ttl, uint64_t random) { return JitterMax(ttl) * (static_cast<double>(random >> 11) * 0x1p-53); }

}  // namespace

void LeaseKeeper::Load(const OpenState& state, const std::function<uint64_t()>& random, WriteSet* writes) {
  const uint64_t life = state.life + 1;
  writes->Put(Table::kMeta, layout::kMetaLife, layout::EncodeU64(life));
  writes->Put(Table::kMeta, layout::kMetaUptime, layout::EncodeU64(0));
  MutexLock lock(&parts_.leases->mu);
  LeaseTable& table = parts_.leases->table;
  table.BeginLife(life);
  for (const OpenState::Lease& lease : state.leases) {
    layout::LeaseRecord record = lease.record;
    const absl::Duration remaining = RemainingAtStart(record, life, state.uptime);
    if (remaining != record.remaining) {
      record.remaining = remaining;
      writes->Put(Table::kLeases, layout::LeaseKey(lease.id), layout::EncodeLease(record));
    }
    table.Add({.id = lease.id,
               .ttl = record.ttl,
               .ends = remaining + DrawJitter(record.ttl, random()),
               .life = record.life,
               .tag = record.tag,
               .load = lease.load});
  }
}

void LeaseKeeper::Reload(const OpenState& state, absl::FunctionRef<void()> publish) {
  MutexLock lock(&parts_.leases->mu);
  const absl::Duration now = parts_.leases->clock.At(parts_.clock->SinceBoot());
  LeaseTable table;
  table.BeginLife(state.life);
  for (const OpenState::Lease& lease : state.leases) {
    const std::optional<Lease> known = parts_.leases->table.Find(lease.id);
    table.Add({.id = lease.id,
               .ttl = lease.record.ttl,
               .ends = known.has_value() ? known->ends : now + lease.record.ttl,
               .life = lease.record.life,
               .tag = lease.record.tag,
               .load = lease.load});
  }
  parts_.leases->table = std::move(table);
  publish();
}

void LeaseKeeper::Start() {
  {
    MutexLock lock(&parts_.leases->mu);
    parts_.leases->clock.Start(parts_.clock->SinceBoot());
  }
  if (thread_.joinable()) return;
  thread_ = std::thread([this] { Loop(); });
}

void LeaseKeeper::Pause() {
  MutexLock lock(&parts_.leases->mu);
  parts_.leases->clock.Stop(parts_.clock->SinceBoot());
}

void LeaseKeeper::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

std::optional<absl::Duration> LeaseKeeper::UptimeToKeep() {
  MutexLock lock(&parts_.leases->mu);
  if (parts_.leases->table.older() == 0) return std::nullopt;
  return parts_.leases->clock.At(parts_.clock->SinceBoot());
}

LeaseKeeper::Renewed LeaseKeeper::Renew(const std::vector<LeaseId>& ids) {
  Renewed renewed;
  renewed.results.reserve(ids.size());
  std::vector<size_t> unknown;  // Places in `results`, as `taken`.
  std::vector<size_t> taken;
  {
    const absl::Duration since_boot = parts_.clock->SinceBoot();
    MutexLock lock(&parts_.leases->mu);
    LeaseTable& table = parts_.leases->table;
    const absl::Duration now = parts_.leases->clock.At(since_boot);
    renewed.revision = parts_.published->revision();
    for (const LeaseId id : ids) {
      const std::optional<Lease> lease = table.Renew(id, now);
      if (!lease.has_value()) {
        unknown.push_back(renewed.results.size());
      } else if (lease->taken) {
        taken.push_back(renewed.results.size());
        renewed.ending.push_back(id);
      } else if (lease->life != table.life()) {
        renewed.unnoted.push_back(id);
      }
      const bool good = lease.has_value() && !lease->taken;
      renewed.results.push_back({.id = id, .status = {}, .ttl = good ? lease->ttl : absl::ZeroDuration()});
    }
  }
  // A call may name 10,000 unknown ones: they share one status, and the result says which lease it is of.
  if (!unknown.empty()) {
    const absl::Status gone = RenewedLeaseNotFound();
    for (const size_t place : unknown) renewed.results[place].status = gone;
  }
  if (!taken.empty()) {
    const absl::Status ending = Overloaded("the lease is being ended");
    for (const size_t place : taken) renewed.results[place].status = ending;
  }
  return renewed;
}

LeaseKeeper::Found LeaseKeeper::Find(LeaseId id) {
  MutexLock lock(&parts_.leases->mu);
  const std::optional<Lease> lease = parts_.leases->table.Find(id);
  return lease.has_value() ? FindAmong({*lease}) : FindAmong({});
}

LeaseKeeper::Found LeaseKeeper::List(LeaseId after, int leases_max) {
  MutexLock lock(&parts_.leases->mu);
  return FindAmong(parts_.leases->table.List(after, leases_max));
}

LeaseKeeper::Found LeaseKeeper::FindAmong(const std::vector<Lease>& leases) {
  Found found{.revision = 0, .view = parts_.published->Load(), .leases = {}};
  found.revision = found.view == nullptr ? parts_.published->revision() : found.view->revision;
  const absl::Duration now = parts_.leases->clock.At(parts_.clock->SinceBoot());
  found.leases.reserve(leases.size());
  for (const Lease& lease : leases) found.leases.push_back(InfoOf(lease, now));
  return found;
}

int64_t LeaseKeeper::count() const {
  MutexLock lock(&parts_.leases->mu);
  return static_cast<int64_t>(parts_.leases->table.size());
}

void LeaseKeeper::Loop() {
  while (true) {
    const absl::Duration wait = Look();
    MutexLock lock(&mu_);
    if (!stopping_) wake_.WaitFor(&mu_, wait);
    if (stopping_) return;
  }
}

absl::Duration LeaseKeeper::Look() {
  LeaseTable::Due due;
  absl::Duration now;
  bool more = false;
  bool older = false;
  {
    MutexLock lock(&parts_.leases->mu);
    now = parts_.leases->clock.At(parts_.clock->SinceBoot());
    due = TakeDue(now);
    older = parts_.leases->table.older() > 0;
    more = due.more || allowance_ < 1 || ending_.load(std::memory_order_relaxed) > 0;
  }
  for (const LeaseId id : due.ids) {
    parts_.committer->Submit({.work = QueuedLeaseEnd{.request = {.id = id, .origin = {}},
                                                     .cause = EventCause::kLeaseExpired,
                                                     .done = [this](const CommitResult& result) { OnEnded(result.status); },
                                                     .result = {}}});
  }
  if (older && now - noted_ >= std::clamp(now / 4, parts_.tick, kUptimeForgottenMax)) NoteUptime(now);
  // What the store refuses now is tried again at leisure.
  const bool refused = refused_.exchange(false, std::memory_order_relaxed);
  return more && !refused ? parts_.tick / kLooksPerTickWhenBusy : parts_.tick;
}

void LeaseKeeper::OnEnded(const absl::Status& status) {
  if (absl::IsDataLoss(status)) parts_.note_damage(status);
  if (!status.ok() && !absl::IsNotFound(status)) refused_.store(true, std::memory_order_relaxed);
  ending_.fetch_sub(1, std::memory_order_relaxed);
}

LeaseTable::Due LeaseKeeper::TakeDue(absl::Duration now) {
  allowance_ += absl::ToDoubleSeconds(now - allowed_until_) * limits::kLeasesExpiredPerSecondMax;
  allowance_ = std::min(allowance_, kEndsAtOnceMax);
  allowed_until_ = now;
  // Those of the look before are still on their way: more would be the same ones again.
  if (ending_.load(std::memory_order_relaxed) > 0) return {};
  LeaseTable::Due due = parts_.leases->table.Ended(now, static_cast<int>(allowance_));
  allowance_ -= static_cast<double>(due.ids.size());
  ending_.store(static_cast<int>(due.ids.size()), std::memory_order_relaxed);
  return due;
}

void LeaseKeeper::NoteUptime(absl::Duration now) {
  if (noting_.exchange(true, std::memory_order_relaxed)) return;
  noted_ = now;
  parts_.committer->Submit(
      {.work = QueuedLeaseNote{
           .renewed = {}, .done = [this](const CommitResult&) { noting_.store(false, std::memory_order_relaxed); }, .result = {}}});
}

}  // namespace scoutlight::storage

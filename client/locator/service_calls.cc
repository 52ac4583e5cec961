#include "client/locator/service_calls.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace scoutlight::client {

std::shared_ptr<CallRecord> ServiceCalls::RecordOf(const discovery::Instance& instance) {
  MutexLock lock(&mu_);
  std::shared_ptr<CallRecord>& record = records_[instance.name.id];
  if (record != nullptr && record->epoch == instance.epoch) return record;
  if (record != nullptr && record->ejected.load(std::memory_order_relaxed)) --ejected_;
  record = std::make_shared<CallRecord>();
  record->epoch = instance.epoch;
  return record;
}

void ServiceCalls::Succeeded(CallRecord* record) {
  record->succeeded.fetch_add(1, std::memory_order_relaxed);
  // Mostly nothing failed: then no line is written for it.
  if (record->failed_in_row.load(std::memory_order_relaxed) != 0) record->failed_in_row.store(0, std::memory_order_relaxed);
}

void ServiceCalls::Failed(CallRecord* record) {
  record->failed.fetch_add(1, std::memory_order_relaxed);
  const int in_row = record->failed_in_row.fetch_add(1, std::memory_order_relaxed) + 1;
  if (ejection_.has_value() && ejection_->failures_in_row > 0 && in_row >= ejection_->failures_in_row) Eject(record);
}

void ServiceCalls::Eject(CallRecord* record) {
  if (record->ejected.load(std::memory_order_relaxed)) return;
  const absl::Duration now = clock_.SinceBoot();
  bool ejected = false;
  {
    MutexLock lock(&mu_);
    ejected = MarkEjected(record, now);
  }
  if (ejected) RaiseVersion();
}

bool ServiceCalls::MayEject() const {
  const auto ejected = static_cast<size_t>(ejected_);
  return ejected + 1 < instances_ && ejected * 100 < static_cast<size_t>(ejection_->ejected_percent_max) * instances_;
}

bool ServiceCalls::MarkEjected(CallRecord* record, absl::Duration now) {
  if (!MayEject() || record->ejected.load(std::memory_order_relaxed)) return false;
  // One that has gone, or was registered anew, counts no more.
  const bool known = std::any_of(records_.begin(), records_.end(), [record](const auto& entry) { return entry.second.get() == record; });
  if (!known) return false;
  record->ejected.store(true, std::memory_order_relaxed);
  record->failed_in_row.store(0, std::memory_order_relaxed);
  record->ejected_at = now;
  ++record->ejections;
  ++ejected_;
  return true;
}

void ServiceCalls::SetInstances(const discovery::ServiceSnapshot& snapshot) {
  MutexLock lock(&mu_);
  instances_ = snapshot.resolvable();
  // Only now and then, so that a change does not cost a look at all.
  if (records_.size() <= 2 * snapshot.size() + 64) return;
  for (auto record = records_.begin(); record != records_.end();) {
    const auto next = std::next(record);
    if (snapshot.Find(record->first) == nullptr) {
      if (record->second->ejected.load(std::memory_order_relaxed)) --ejected_;
      records_.erase(record);
    }
    record = next;
  }
}

void ServiceCalls::Sweep() {
  if (!ejection_.has_value()) return;
  const absl::Duration now = clock_.SinceBoot();
  bool changed = false;
  {
    MutexLock lock(&mu_);
    if (now - interval_began_ < ejection_->interval) return;
    interval_began_ = now;
    const bool judged = JudgeShares(now);
    changed = EndEjections(now) || judged;
  }
  if (changed) RaiseVersion();
}

bool ServiceCalls::JudgeShares(absl::Duration now) {
  int busy = 0;
  std::vector<CallRecord*> failing;
  for (const auto& [id, record] : records_) {
    const uint64_t failed = record->failed.exchange(0, std::memory_order_relaxed);
    const uint64_t calls = failed + record->succeeded.exchange(0, std::memory_order_relaxed);
    if (calls < static_cast<uint64_t>(ejection_->calls_min)) continue;
    ++busy;
    if (failed * 100 > static_cast<uint64_t>(ejection_->failure_percent_max) * calls) failing.push_back(record.get());
  }
  if (busy < ejection_->instances_min) return false;
  bool ejected = false;
  for (CallRecord* record : failing) ejected = MarkEjected(record, now) || ejected;
  return ejected;
}

bool ServiceCalls::EndEjections(absl::Duration now) {
  bool ended = false;
  for (const auto& [id, record] : records_) {
    if (!record->ejected.load(std::memory_order_relaxed)) {
      if (record->ejections > 0) --record->ejections;
      continue;
    }
    const absl::Duration longest = std::max(ejection_->time, ejection_->time_max);
    if (now - record->ejected_at < std::min(ejection_->time * record->ejections, longest)) continue;
    record->ejected.store(false, std::memory_order_relaxed);
    --ejected_;
    ended = true;
  }
  return ended;
}

int ServiceCalls::ejected() const {
  MutexLock lock(&mu_);
  return ejected_;
}

}  // namespace scoutlight::client

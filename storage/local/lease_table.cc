#include "storage/local/lease_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {

void LeaseTable::Add(LeaseId id, absl::Duration ttl, absl::Duration now) {
  leases_[id] = {.id = id, .ttl = ttl, .ends = now + ttl, .keys = 0, .taken = false};
  by_end_.insert({now + ttl, id});
}

absl::StatusOr<absl::Duration> LeaseTable::Renew(LeaseId id, absl::Duration now) {
  const auto found = leases_.find(id);
  if (found == leases_.end() || found->second.taken) return LeaseNotFound(absl::StatusCode::kNotFound, id);
  Lease& lease = found->second;
  by_end_.erase({lease.ends, id});
  lease.ends = now + lease.ttl;
  by_end_.insert({lease.ends, id});
  return lease.ttl;
}

bool LeaseTable::Has(LeaseId id) const {
  const auto found = leases_.find(id);
  return found != leases_.end() && !found->second.taken;
}

std::optional<LeaseTable::Lease> LeaseTable::Find(LeaseId id) const {
  if (!Has(id)) return std::nullopt;
  return leases_.at(id);
}

std::vector<LeaseTable::Lease> LeaseTable::List() const {
  std::vector<Lease> leases;
  leases.reserve(leases_.size());
  for (const auto& [id, lease] : leases_) {
    if (!lease.taken) leases.push_back(lease);
  }
  std::sort(leases.begin(), leases.end(), [](const Lease& a, const Lease& b) { return a.id < b.id; });
  return leases;
}

std::vector<LeaseId> LeaseTable::Ended(absl::Duration now, int batch_max) const {
  std::vector<LeaseId> ended;
  for (auto it = by_end_.begin(); it != by_end_.end() && it->first <= now && static_cast<int>(ended.size()) < batch_max; ++it) {
    ended.push_back(it->second);
  }
  return ended;
}

bool LeaseTable::TakeIfEnded(LeaseId id, absl::Duration now) {
  const auto found = leases_.find(id);
  if (found == leases_.end() || found->second.ends > now) return false;
  return Take(id);
}

bool LeaseTable::Take(LeaseId id) {
  const auto found = leases_.find(id);
  if (found == leases_.end() || found->second.taken) return false;
  by_end_.erase({found->second.ends, id});
  found->second.taken = true;
  return true;
}

void LeaseTable::Untake(LeaseId id) {
  const auto found = leases_.find(id);
  if (found == leases_.end() || !found->second.taken) return;
  found->second.taken = false;
  by_end_.insert({found->second.ends, id});
}

void LeaseTable::Remove(LeaseId id) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return;
  by_end_.erase({found->second.ends, id});
  leases_.erase(found);
}

int LeaseTable::keys(LeaseId id) const {
  const auto found = leases_.find(id);
  return found == leases_.end() ? 0 : found->second.keys;
}

void LeaseTable::AddKeys(LeaseId id, int delta) {
  const auto found = leases_.find(id);
  if (found != leases_.end()) found->second.keys += delta;
}

}  // namespace scoutlight::storage

#include "storage/local/lease_table.h"

namespace scoutlight::storage {

LeaseTable::Record* LeaseTable::Living(LeaseId id) {
  const auto found = leases_.find(id);
  return found == leases_.end() || found->second.lease.taken ? nullptr : &found->second;
}

void LeaseTable::Add(const Lease& lease) {
  leases_[lease.id] = {.lease = lease, .queued = lease.ends};
  by_end_.insert({lease.ends, lease.id});
  CountLife(lease, 1);
}

std::optional<Lease> LeaseTable::Renew(LeaseId id, absl::Duration now) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return std::nullopt;
  Lease& lease = found->second.lease;
  if (!lease.taken) lease.ends = now + lease.ttl;
  return lease;
}

void LeaseTable::NoteRenewed(LeaseId id) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return;
  CountLife(found->second.lease, -1);
  found->second.lease.life = life_;
}

bool LeaseTable::Has(LeaseId id) const {
  const auto found = leases_.find(id);
  return found != leases_.end() && !found->second.lease.taken;
}

std::optional<Lease> LeaseTable::Find(LeaseId id) const {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return std::nullopt;
  return found->second.lease;
}

std::vector<Lease> LeaseTable::List(LeaseId after, int leases_max) const {
  std::vector<Lease> leases;
  for (auto it = leases_.upper_bound(after); it != leases_.end() && static_cast<int>(leases.size()) < leases_max; ++it) {
    leases.push_back(it->second.lease);
  }
  return leases;
}

LeaseTable::Due LeaseTable::Ended(absl::Duration now, int leases_max) {
  Due due;
  int moved = 0;
  for (auto it = by_end_.begin(); it != by_end_.end() && it->first <= now && static_cast<int>(due.ids.size()) < leases_max;) {
    Record& record = leases_.at(it->second);
    if (record.lease.ends <= now) {
      due.ids.push_back(record.lease.id);
      ++it;
      continue;
    }
    if (moved == kMovedMax) {
      due.more = true;
      break;
    }
    ++moved;
    it = by_end_.erase(it);
    record.queued = record.lease.ends;
    by_end_.insert({record.queued, record.lease.id});
  }
  return due;
}

bool LeaseTable::TakeIfEnded(LeaseId id, absl::Duration now) {
  const Record* const record = Living(id);
  return record != nullptr && record->lease.ends <= now && Take(id);
}

bool LeaseTable::Take(LeaseId id) {
  Record* const record = Living(id);
  if (record == nullptr) return false;
  by_end_.erase({record->queued, id});
  record->lease.taken = true;
  return true;
}

void LeaseTable::Untake(LeaseId id) {
  const auto found = leases_.find(id);
  if (found == leases_.end() || !found->second.lease.taken) return;
  Record& record = found->second;
  record.lease.taken = false;
  record.queued = record.lease.ends;
  by_end_.insert({record.queued, id});
}

void LeaseTable::Remove(LeaseId id) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return;
  by_end_.erase({found->second.queued, id});
  CountLife(found->second.lease, -1);
  leases_.erase(found);
}

LeaseLoad LeaseTable::load(LeaseId id) const {
  const auto found = leases_.find(id);
  return found == leases_.end() ? LeaseLoad() : found->second.lease.load;
}

void LeaseTable::AddLoad(LeaseId id, LeaseLoad more) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return;
  found->second.lease.load.keys += more.keys;
  found->second.lease.load.bytes += more.bytes;
}

}  // namespace scoutlight::storage

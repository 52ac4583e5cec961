#ifndef SCOUTLIGHT_STORAGE_LOCAL_LEASE_TABLE_H_
#define SCOUTLIGHT_STORAGE_LOCAL_LEASE_TABLE_H_

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/entry.h"

namespace scoutlight::storage {

// Knows until when each lease counts as alive, and how many keys hang on it. Holds no clock: callers pass `now`, the time since boot, so a
// test moves time by passing a later one. Not thread-safe: its owner calls it with its mutex held.
//
// A lease whose end has come stays until it is taken; a renewal before that wins. A taken one is gone for Renew and Has, and stays only to
// be removed, with its keys, by the transaction that ends it.
class LeaseTable {
 public:
  struct Lease {
    LeaseId id = 0;
    absl::Duration ttl;
    absl::Duration ends;  // Since boot.
    int keys = 0;
    bool taken = false;
  };

  // Adds a lease that ends at `now + ttl`. Requires that `id` is free.
  void Add(LeaseId id, absl::Duration ttl, absl::Duration now);

  // The lease then ends at `now + ttl` and the ttl is returned. kNotFound: unknown or taken; nothing changes.
  absl::StatusOr<absl::Duration> Renew(LeaseId id, absl::Duration now);

  // Whether the lease exists and is not taken.
  bool Has(LeaseId id) const;
  // Whether the id is in use, taken or not.
  bool Knows(LeaseId id) const { return leases_.contains(id); }
  std::optional<Lease> Find(LeaseId id) const;
  std::vector<Lease> List() const;  // In order of id; without taken ones.
  size_t size() const { return leases_.size(); }

  // At most `batch_max` leases that ended at or before `now`, earliest first. They are not taken yet.
  std::vector<LeaseId> Ended(absl::Duration now, int batch_max) const;

  // Takes a lease if it ended at or before `now`; false: it did not, or is not there (any more).
  bool TakeIfEnded(LeaseId id, absl::Duration now);
  // Takes a lease that is there, ended or not. False: it is not there (any more).
  bool Take(LeaseId id);
  // Undoes Take: it could not be carried out.
  void Untake(LeaseId id);
  void Remove(LeaseId id);

  // The number of keys that hang on a lease; 0 for one that is not there.
  int keys(LeaseId id) const;
  // Adds to it. Unknown ids are ignored.
  void AddKeys(LeaseId id, int delta);

 private:
  absl::flat_hash_map<LeaseId, Lease> leases_;
  std::set<std::pair<absl::Duration, LeaseId>> by_end_;  // Without taken ones.
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_LEASE_TABLE_H_

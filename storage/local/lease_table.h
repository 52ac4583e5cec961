#ifndef SCOUTLIGHT_STORAGE_LOCAL_LEASE_TABLE_H_
#define SCOUTLIGHT_STORAGE_LOCAL_LEASE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"
#include "base/entry.h"

namespace scoutlight::storage {

// What hangs on a lease.
struct LeaseLoad {
  int keys = 0;
  int64_t bytes = 0;  // Of their records and paths.
};

struct Lease {
  LeaseId id = 0;
  absl::Duration ttl;
  absl::Duration ends;
  uint64_t life = 0;  // The life of the store in which it was last granted or renewed, as the disk says.
  uint64_t tag = 0;   // Of the request that made it; 0: none.
  LeaseLoad load;
  bool taken = false;
};

// Knows until when each lease counts as alive, and what hangs on it. Holds no clock: callers pass `now`, in lease time (lease_clock.h), so
// a test moves time by passing a later one. Not thread-safe: its owner calls it with its mutex held.
//
// A lease whose end has come stays until it is taken; a renewal before that wins. A taken one is gone for Has and is not renewed, but is
// shown until the transaction that ends it, and its keys, is on disk and removes it: nobody is told of an end that a crash may undo.
class LeaseTable {
 public:
  // The store's life now. Before anything is added.
  void BeginLife(uint64_t life) { life_ = life; }
  uint64_t life() const { return life_; }

  // Requires that the id is free.
  void Add(const Lease& lease);

  // The lease then ends at `now` plus its ttl. Gives it back, as it then is. Of a taken one nothing changes. nullopt: unknown.
  std::optional<Lease> Renew(LeaseId id, absl::Duration now);

  // The disk says now that the lease was renewed in this life. Unknown ids are ignored.
  void NoteRenewed(LeaseId id);
  // How many leases were not renewed in this life, as the disk says: how long this life lasts matters for their ends.
  int older() const { return older_; }

  // Whether the lease exists and is not taken.
  bool Has(LeaseId id) const;
  // Whether the id is in use, taken or not.
  bool Knows(LeaseId id) const { return leases_.contains(id); }
  // Taken or not, as List.
  std::optional<Lease> Find(LeaseId id) const;
  // At most `leases_max` whose id is greater than `after`, in order of id.
  std::vector<Lease> List(LeaseId after, int leases_max) const;
  size_t size() const { return leases_.size(); }

  // At most `leases_max` leases that ended at or before `now`, about earliest first. They are not taken yet.
  struct Due {
    std::vector<LeaseId> ids;
    bool more = false;  // It stopped at kMovedMax: others may have ended, which a call soon finds.
  };
  Due Ended(absl::Duration now, int leases_max);

  // So many leases that were renewed since Ended() met them last it puts into their places in one call, so that its caller's mutex is not
  // held long: a few milliseconds.
  static constexpr int kMovedMax = 4'000;

  // Takes a lease if it ended at or before `now`; false: it did not, or is not there (any more).
  bool TakeIfEnded(LeaseId id, absl::Duration now);
  // Takes a lease that is there, ended or not. False: it is not there (any more).
  bool Take(LeaseId id);
  // Undoes Take: it could not be carried out.
  void Untake(LeaseId id);
  void Remove(LeaseId id);

  // What hangs on a lease; nothing on one that is not there.
  LeaseLoad load(LeaseId id) const;
  // Adds to it. Unknown ids are ignored.
  void AddLoad(LeaseId id, LeaseLoad more);

 private:
  struct Record {
    Lease lease;
    absl::Duration queued;  // Where it stands in by_end_.
  };

  Record* Living(LeaseId id);
  void CountLife(const Lease& lease, int delta) { older_ += lease.life == life_ ? 0 : delta; }

  uint64_t life_ = 0;
  int older_ = 0;
  absl::btree_map<LeaseId, Record> leases_;
  // An end of each lease that is not taken: its own, or that of before it was renewed, which Ended() puts right when it comes by. So a
  // renewal costs one look-up.
  std::set<std::pair<absl::Duration, LeaseId>> by_end_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_LEASE_TABLE_H_

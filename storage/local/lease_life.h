#ifndef SCOUTLIGHT_STORAGE_LOCAL_LEASE_LIFE_H_
#define SCOUTLIGHT_STORAGE_LOCAL_LEASE_LIFE_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"
#include "storage/local/layout.h"

// How leases go on over the lives of a store: from one start of a server to the next.
//
//   life 5  |---g---------X            g: granted, the record says life 5
//   life 6         |------------X      it was renewed in the life before: full ttl; nobody renews it
//   life 7             |------|        not renewed in life 6: what it had at the start of life 6, less the time that life 6 served
//
// So the time in which no server ran never counts against an owner, and the lease of a dead one ends within two ttls of serving after its
// last renewal, over any number of restarts (docs/decisions/0010-leases-over-restarts.md).
namespace scoutlight::storage {

// What is left of a lease at the start of `life`, by its record. `uptime`: how long the life before served.
inline absl::Duration RemainingAtStart(const layout::LeaseRecord& record, uint64_t life, absl::Duration uptime) {
  return record.life + 1 >= life ? record.ttl : std::max(absl::ZeroDuration(), record.remaining - uptime);
}

// A lease lives so much longer than it must at most, drawn at each start, so that those which all began anew there do not end at once.
inline absl::Duration JitterMax(absl::Duration ttl) { return std::min(ttl / 10, absl::Seconds(5)); }

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_LEASE_LIFE_H_

#ifndef SCOUTLIGHT_SERVER_FLEET_PARTICIPANT_H_
#define SCOUTLIGHT_SERVER_FLEET_PARTICIPANT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/limits.h"
#include "server/discovery/drain_waits.h"
#include "server/fleet/fleet_parts.h"
#include "server/fleet/fleet_records.h"
#include "server/fleet/membership.h"
#include "storage/store.h"

namespace scoutlight::server {

// Drains of other servers that this one takes part in. In those that are more it does not, and is named when their timeout is over.
inline constexpr int kForeignDrainsMax = 4 * limits::kDrainsMax;

// What else a server says of a drain, it says so long after what it has said last: far less than a coordinator waits for it beyond the
// timeout (kStandingsWait). That somebody is waited for after all, and how it stood at the timeout, it says at once.
inline constexpr absl::Duration kStandingPause = absl::Milliseconds(100);

// The part of this server in drains that other servers were called for: as long as a drain's record is there, it puts below it how the
// drain stands here, each time that this changes, one put at a time, within kStandingPause the newest. The puts are conditional on the
// record, and on its lease, so nothing is left when that goes; and on what this server has told before, so that one whose answer was lost
// cannot come after the next. What there is after such a one is read first. Not thread-safe: all happens on the fleet's thread.
class Participant {
 public:
  // Both outlive it.
  Participant(const FleetParts* parts, const Membership* membership, FleetPost post)
      : parts_(*parts), membership_(*membership), post_(std::move(post)) {}

  // The record of a drain is there, put at `revision` on `lease_id`. One that is known already with this revision is passed over; put
  // again, what this server has told of it before is read first, and told anew or taken back.
  void OnDrain(const std::string& drain, const DrainRecord& record, Revision revision, LeaseId lease_id);
  void OnDrainGone(const std::string& drain);
  // All that are there.
  void OnDrains(const absl::flat_hash_set<std::string>& drains);
  // The membership's identity is another.
  void OnIdentity();
  void EndAll();

  void Serve(absl::Duration now);
  absl::Duration next_due() const;
  // Drains that it takes part in. From any thread.
  int drains() const { return count_.load(std::memory_order_relaxed); }

 private:
  struct Part {
    std::string drain;
    DrainRecord record;
    Revision revision = 0;
    LeaseId lease_id = 0;
    uint64_t number = 0;      // Of the hub, and what tells this from another part in the same drain.
    absl::Duration deadline;  // Of its timeout,
    absl::Duration end;       // and when it ends though the record is there.
    enum class State { kBehind, kReaching, kFollowing } state = State::kBehind;
    std::optional<DrainStanding> standing;
    bool told = true;                                   // The standing, or it is being told.
    bool asking = false;                                // The store has not answered a put, read or delete yet.
    bool puts_settled = false;                          // What is being put is something other than that it waits.
    bool stands = false;                                // Such a thing may be put, now or later.
    std::string server;                                 // As which it tells,
    Revision stands_at = 0;                             // since when something stands; 0: nothing does.
    bool known = true;                                  // `stands_at` is so, as far as the store has answered.
    absl::Duration put_at = -absl::InfiniteDuration();  // When the last put began.
    absl::Duration retry_at;
  };

  Part* Find(const std::string& drain, uint64_t number);
  // That it waits, as is taken of a server that has told nothing.
  static bool SaysNothing(const Part& part);
  // When what is to be told may be.
  static absl::Duration PutDue(const Part& part);
  void Advance(Part* part, absl::Duration now);
  // The catalog has to show the instance as draining before anybody is looked for who has not seen that.
  void Reach(Part* part);
  void Follow(Part* part, absl::Duration now);
  // The store is asked something of the part: what `then` is called with its answer by, if the part is there by then.
  template <typename Result>
  storage::Done<Result> Ask(Part* part, void (Participant::*then)(Part*, const Result&));
  void Put(Part* part, absl::Duration now);
  void OnPut(Part* part, const storage::CommitResult& result);
  // What this server has told.
  void ReadBack(Part* part);
  void OnReadBack(Part* part, const storage::Page& page);
  // Deletes that.
  void TakeBack(Part* part);
  void OnTakenBack(Part* part, const storage::CommitResult& result);
  void End(const std::string& drain);

  const FleetParts& parts_;
  const Membership& membership_;
  const FleetPost post_;
  absl::btree_map<std::string, std::unique_ptr<Part>> parts_of_;  // By drain.
  std::atomic<int> count_{0};                                     // Orders nothing.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_FLEET_PARTICIPANT_H_

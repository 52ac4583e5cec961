#ifndef SCOUTLIGHT_SERVER_DISCOVERY_DRAIN_WAITS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_DRAIN_WAITS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "discovery/names.h"
#include "server/discovery/subscriber_table.h"

namespace scoutlight::server {

// Who may still send work to an instance that is draining.
struct DrainOutcome {
  struct Laggard {
    std::string subscriber_id;
    std::string peer;
    bool gone = false;
  };

  absl::Status status;    // Not OK: there is no telling.
  bool complete = false;  // Everybody who must confirm has.
  std::vector<Laggard> laggards;
  int laggards_omitted = 0;
  int unconfirmable_watches = 0;
  int recent_resolvers = 0;
};

// How a drain stands on one of the servers that it waits on.
struct DrainStanding {
  // All that there is to say by now: everybody has confirmed, or the timeout is over. False: somebody has come who must confirm after all.
  bool settled = false;
  DrainOutcome outcome;
};

struct DrainWait {
  discovery::InstanceName name;
  Revision revision = 0;  // At which it was draining.
  absl::Duration timeout;
  absl::Duration linger;
};

// Drains that wait until subscribers have confirmed. A wait ends when nobody is left who may act on the instance, else after its timeout;
// then it goes on, if all have confirmed, until `linger` is over or nobody is left who confirms nothing. One that is followed tells how it
// stands instead, each time that this changes, and is ended by its owner. Its owner bounds how many there are. Not thread-safe; `done` and
// `tell` are called within the methods, and must not call back.
class DrainWaits {
 public:
  using Done = absl::AnyInvocable<void(DrainOutcome) &&>;
  using Tell = absl::AnyInvocable<void(DrainStanding)>;

  struct Parts {
    // Asks how many watches were shown an instance; the answer comes by Counted() with the same number, not within the call. Count::kKept:
    // it will be asked for again, until end_count() with that number.
    enum class Count { kOnce, kKept };
    std::function<void(const discovery::InstanceName&, uint64_t wait, Count count)> count_watches;
    std::function<void(uint64_t wait)> end_count;
    std::function<int(const discovery::ServiceName&)> count_resolvers;
  };

  explicit DrainWaits(Parts parts) : parts_(std::move(parts)) {}

  // Nothing is complete before `end`: there may be subscribers that are not known.
  void HoldUntil(absl::Duration end);

  // `number`: of no other wait that is there. `subscriptions`: all of the service; null: none.
  void Add(uint64_t number, DrainWait wait, const absl::flat_hash_set<Subscription*>* subscriptions, absl::Duration now, Done done);
  // As Add, for a drain that others wait for too: it goes on until End(), without an answer. `tell` is called first when all here have
  // confirmed or the timeout is over; after that when this is so no longer, and while it lingers, once a second, if others than before are
  // left who confirm nothing.
  void Follow(uint64_t number, DrainWait wait, const absl::flat_hash_set<Subscription*>* subscriptions, absl::Duration now, Tell tell);
  // A subscription has come that may act on what no view of it tells: it is waited for too.
  void OnAssumed(Subscription* subscription);
  // A subscription has confirmed a view.
  void OnConfirmed(Subscription* subscription);
  // A subscription goes.
  void OnDropped(Subscription* subscription);
  void Counted(uint64_t number, int watches, absl::Duration now);
  // One that is not there is passed over.
  void End(uint64_t number, const absl::Status& status);
  void EndAll(const absl::Status& status);

  // Goes on with those that are due.
  void Serve(absl::Duration now);
  // When there is something to do; InfiniteDuration: never.
  absl::Duration next_due() const { return due_.empty() ? absl::InfiniteDuration() : due_.begin()->first; }

 private:
  struct Waiting {
    DrainWait wait;
    Done done;
    Tell tell;  // Of one that is followed; then there is no `done`.
    absl::flat_hash_set<Subscription*> pending;
    // kOver: of one that is followed, whose timeout is over.
    enum class Phase { kConfirming, kCounting, kLingering, kOver } phase = Phase::kConfirming;
    bool complete = false;    // Stays so, with nothing pending; unless it is followed.
    bool kept = false;        // The count of its watches.
    absl::Duration deadline;  // Of the phase: for the confirmations, or for the lingering. Of one that is followed: for the confirmations.
    // Watches and callers of Resolve that were told; nullopt: nothing is, or what was is so no longer.
    std::optional<std::pair<int, int>> told;
    absl::Duration due;  // Its place in due_; InfiniteDuration: none.
  };
  using Waits = absl::flat_hash_map<uint64_t, Waiting>;

  Waiting* Begin(uint64_t number, DrainWait wait, const absl::flat_hash_set<Subscription*>* subscriptions, absl::Duration now);
  void SetDue(uint64_t number, Waiting* waiting, absl::Duration due);
  bool IsComplete(const Waiting& waiting, absl::Duration now) const { return waiting.pending.empty() && now >= complete_from_; }
  void Settle(Subscription* subscription, bool dropped);
  void Advance(uint64_t number, Waiting* waiting, absl::Duration now);
  // It is followed, and not complete any more.
  void Reopen(uint64_t number, Waiting* waiting);
  void TellCounted(uint64_t number, Waiting* waiting, DrainOutcome outcome, absl::Duration now);
  static void NameLaggards(const Waiting& waiting, DrainOutcome* outcome);
  void Answer(uint64_t number, DrainOutcome outcome);
  // Takes it out.
  Waiting Remove(uint64_t number);
  // Callers of Resolve that may still send it work. Whether a drain goes on lingering is told by the count of another of its service, if
  // that is not older than a look.
  int ResolversOf(const Waiting& waiting, absl::Duration now);

  const Parts parts_;
  Waits waits_;
  absl::flat_hash_map<discovery::ServiceName, absl::flat_hash_set<uint64_t>> by_service_;
  struct Resolvers {
    absl::Duration counted_at;
    int callers = 0;
  };
  absl::flat_hash_map<discovery::ServiceName, Resolvers> resolvers_;  // Of services in by_service_.
  std::set<std::pair<absl::Duration, uint64_t>> due_;
  absl::Duration complete_from_ = absl::ZeroDuration();
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_DRAIN_WAITS_H_

#ifndef SCOUTLIGHT_SERVER_FLEET_SHARED_DRAIN_H_
#define SCOUTLIGHT_SERVER_FLEET_SHARED_DRAIN_H_

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "server/discovery/drain_waits.h"

namespace scoutlight::server {

// When its timeout is over, a drain waits so long for servers that have not said how it stands there. Less than what clients add to theirs.
inline constexpr absl::Duration kStandingsWait = absl::Seconds(1);

// One drain over all servers of a store: puts together how it stands on each. It is complete when that is so on all of them at one time,
// and the store says so too: what a watch has brought may be old. Not thread-safe; holds no clock.
class SharedDrain {
 public:
  // What the store says at one revision.
  struct Stored {
    absl::btree_map<std::string, std::string> servers;  // The others that there are, as SetServers().
    absl::flat_hash_set<std::string> complete;          // Those that have told that it is complete.
  };

  SharedDrain(const DrainWait& wait, absl::Duration now) : deadline_(now + wait.timeout), linger_(wait.linger) {}

  // Which other servers there are, by their ids, with their addresses; not before this is an outcome told.
  void SetServers(absl::btree_map<std::string, std::string> servers) { servers_ = std::move(servers); }
  bool has_servers() const { return servers_.has_value(); }
  // The others that are waited for.
  bool waits_for_others() const { return servers_.has_value() && !servers_->empty(); }
  // One has come since.
  void Add(const std::string& server, const std::string& address);
  // One has gone, at `now`: whom it served may come to others, so nothing is complete for limits::kSubscriberGrace.
  void Drop(const std::string& server, absl::Duration now);
  // The same of any that are not known.
  void Hold(absl::Duration now);
  // As Drop, of those that are not among all that there are.
  void DropUnless(const absl::flat_hash_set<std::string>& all, absl::Duration now);

  // How it stands here, and on another, which need not be known yet.
  void TellHere(DrainStanding standing);
  // `revision`: at which it was told; what is older than the drain's record is passed over.
  void Tell(const std::string& server, DrainStanding standing, Revision revision);
  // The drain's record is there since `revision`: what was told before is not told of it, also if it comes only now.
  void Asked(Revision revision) {
    asked_at_ = revision;
    absl::erase_if(standings_, [revision](const auto& told) { return told.second.revision < revision; });
  }
  // It may not be there: the others will tell anew.
  void NotAsked() {
    asked_at_ = std::nullopt;
    standings_.clear();
    NoteComplete();
  }

  // Whether all say that it is complete, so that the store is to be read: BeginConfirm(), then the read, then Confirm() with what it shows.
  bool is_to_be_confirmed(absl::Duration now) const;
  void BeginConfirm() { stayed_complete_ = true; }
  // It is complete if the store says the same of all that are known here and there, and this server has said nothing else since
  // BeginConfirm(); then true. Servers that were not known are waited for.
  bool Confirm(const Stored& stored, absl::Duration now);

  // The answer, when there is one: it is complete, and `linger` is over or nobody is left who confirms nothing; or the timeout is over, and
  // everybody has said so, or kStandingsWait is over too. A server that has said nothing, or something else in the store, is a laggard
  // without an id. kUnavailable: the store has not said which others there are; or all say that it is complete, and since they do the store
  // has said nothing.
  std::optional<DrainOutcome> Decide(absl::Duration now) const;
  // When Decide() may say something else without news.
  absl::Duration next_due(absl::Duration now) const;
  absl::Duration TimeoutLeft(absl::Duration now) const { return std::max(deadline_ - now, absl::ZeroDuration()); }

 private:
  // Null: it has told nothing.
  const DrainStanding* StandingOf(const std::string& server) const;
  template <typename Holds>
  bool AllHold(Holds holds) const;
  // Not all say so any more: what the store has said is of another time.
  void NoteComplete();
  DrainOutcome Merged() const;

  const absl::Duration deadline_;
  const absl::Duration linger_;
  std::optional<absl::btree_map<std::string, std::string>> servers_;
  std::optional<DrainStanding> here_;
  absl::Duration complete_from_ = absl::ZeroDuration();
  struct Told {
    DrainStanding standing;
    Revision revision = 0;
  };
  absl::btree_map<std::string, Told> standings_;
  std::optional<Revision> asked_at_;            // Of the others; nullopt: they are not, what they say is of another time.
  bool stayed_complete_ = false;                // Here, since BeginConfirm().
  bool store_said_ = false;                     // What it is, since all say that it is complete.
  absl::flat_hash_set<std::string> doubted_;    // Those of which the store said something else.
  std::optional<absl::Duration> linger_until_;  // Since it is complete, which stays so.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_FLEET_SHARED_DRAIN_H_

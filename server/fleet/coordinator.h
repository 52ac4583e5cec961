#ifndef SCOUTLIGHT_SERVER_FLEET_COORDINATOR_H_
#define SCOUTLIGHT_SERVER_FLEET_COORDINATOR_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "server/discovery/drain_waits.h"
#include "server/fleet/fleet_parts.h"
#include "server/fleet/membership.h"
#include "server/fleet/shared_drain.h"
#include "storage/store.h"

namespace scoutlight::server {

// Servers of one store, beside this one; with more, drains are refused.
inline constexpr int kOtherServersMax = 63;

// Drains that this server was called for, over all servers of the store. Which others there are is read when a drain begins, and told by
// the watch from then on. As soon as there are some, the drain's record is put; they tell below it how the drain stands there. Before one
// is called complete the store is read once more: the watch may be behind, and this server may have been stopped. When it is answered, all
// of that is deleted, which is tried until it succeeds. Of each drain the store is asked one thing at a time, and after what did not help
// not before kFleetRetry. Not thread-safe: all happens on the fleet's thread.
class Coordinator {
 public:
  // Both outlive it.
  Coordinator(const FleetParts* parts, const Membership* membership, FleetPost post)
      : parts_(*parts), membership_(*membership), post_(std::move(post)) {}

  // As DrainAwaiter::AwaitConfirmed.
  void Await(uint64_t number, const DrainWait& wait, DrainWaits::Done done);
  void End(uint64_t number, const absl::Status& status);
  void EndAll(const absl::Status& status);

  // The membership's identity is another; while there is none, and limits::kSubscriberGrace after that, nothing is complete.
  void OnIdentity();
  // What the watch shows of other servers.
  void OnServer(const std::string& server, const std::string& address);
  void OnServerGone(const std::string& server);
  // All that there are.
  void OnServers(const absl::flat_hash_set<std::string>& servers, Revision revision);
  // `revision`: at which it was put.
  void OnStanding(const std::string& drain, const std::string& server, DrainStanding standing, Revision revision);

  // How many others the watch shows. From any thread.
  int others() const { return others_.load(std::memory_order_relaxed); }
  // Whether it is one of this server's.
  bool Has(const std::string& drain) const { return drains_.contains(drain); }

  void Serve(absl::Duration now);
  absl::Duration next_due() const;
  // Drains that are answered, whose records are not deleted yet. From any thread.
  int leaving() const { return leaving_.load(std::memory_order_relaxed); }

 private:
  struct Drain {
    Drain(const DrainWait& wait, absl::Duration now) : wait(wait), shared(wait, now) {}

    std::string id;
    uint64_t number = 0;
    DrainWait wait;
    SharedDrain shared;
    absl::flat_hash_set<std::string> told_complete;  // Servers, by what is being read back.
    DrainWaits::Done done;                           // Null: it is answered.
    bool asking = false;                             // The store has not answered a read, put or delete yet.
    Revision read_at = 0;                            // The list of servers.
    LeaseId lease_id = 0;                            // That its record may be on; 0: there is none.
    bool put = false;                                // It is there,
    Revision put_at = 0;                             // since this.
    std::optional<Revision> stands = 0;              // Since when it, or one before, may be there; 0: none is. nullopt: not known.
    absl::Duration retry_at;
    absl::Duration due;
  };

  Drain* Find(const std::string& id);
  // Does what is due. The drain may be forgotten then.
  void Advance(Drain* drain, absl::Duration now);
  void AdvanceAll();
  void NoteCounts();
  void Answer(Drain* drain, DrainOutcome outcome);
  // Reads the list of servers as of `revision`; 0: the latest.
  void ListServers(const std::string& id, Revision revision, void (Coordinator::*then)(Drain*, const storage::Page&));
  void OnServersRead(Drain* drain, const storage::Page& page);
  // Puts the other servers that a page shows into `servers`. False: there are more than are waited for.
  bool AddOthers(const storage::Page& page, absl::btree_map<std::string, std::string>* servers) const;
  static absl::Status TooManyServers(size_t servers);
  void TryAgain(Drain* drain);
  // What stands in the store: the drain's record and what is told below it, then which servers there are at the same revision.
  void ReadBack(Drain* drain);
  void OnRecordsReadBack(Drain* drain, const storage::Page& page);
  void OnServersReadBack(Drain* drain, const storage::Page& page);
  // What has come of puts before.
  void FindRecord(Drain* drain);
  void OnRecordFound(Drain* drain, const storage::Page& page);
  void PutRecord(Drain* drain, const ServerIdentity& identity, absl::Duration now);
  void DeleteRecords(Drain* drain);
  void OnPut(const std::string& id, const absl::Status& status, Revision revision);
  void OnDeleted(const std::string& id, const absl::Status& status);
  void Forget(const std::string& id);

  const FleetParts& parts_;
  const Membership& membership_;
  const FleetPost post_;
  absl::btree_map<std::string, std::unique_ptr<Drain>> drains_;  // By id.
  absl::flat_hash_map<uint64_t, Drain*> by_number_;              // Not answered.
  absl::btree_map<std::string, std::string> servers_;            // The others that the watch shows, with their addresses.
  // Those that it has shown to go, and not to come since, as long as there are drains: they are not waited for, whatever a read says that
  // is older.
  absl::flat_hash_set<std::string> gone_;
  // They order nothing.
  std::atomic<int> others_{0};
  std::atomic<int> leaving_{0};
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_FLEET_COORDINATOR_H_

#ifndef SCOUTLIGHT_SERVER_FLEET_FLEET_H_
#define SCOUTLIGHT_SERVER_FLEET_FLEET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "server/discovery/drain_awaiter.h"
#include "server/discovery/hub_inbox.h"
#include "server/fleet/coordinator.h"
#include "server/fleet/fleet_parts.h"
#include "server/fleet/fleet_records.h"
#include "server/fleet/fleet_watch.h"
#include "server/fleet/membership.h"
#include "server/fleet/participant.h"
#include "server/watch/watch_hub.h"

namespace scoutlight::server {

// Whether servers in other processes may be over the same store.
bool IsShared(const storage::Store& store);

// At the latest after so long a server shows subscribers what there is, though the others do not know of it because the store refuses that.
// A server without a record for so long begins no drain: it could not tell how that stands everywhere.
inline constexpr absl::Duration kAdmittedAfter = absl::Seconds(10);

// This server among those that share a store: keeps its record, knows the others, waits with them for drains. One thread, on which nothing
// waits; what it keeps is bounded by the drains that there are (limits::kDrainsMax of this server, kForeignDrainsMax of others) and
// kOtherServersMax. Thread-safe, but Start(), Stop() and the destructor come from one thread.
//
// What makes a drain at revision D right that is awaited on one server: every server that shows a view from before D has its record in the
// store at D. So a server shows its subscribers nothing (LocalDrains::on_admitted) until its record is there and its catalog has come
// behind that. And whom a server has shown one is waited for when that server goes: nothing is complete, on any server, for
// limits::kSubscriberGrace after that, in which its subscribers come to others, where they count until they have confirmed a view
// (SubscriberHub::Parts::shared_store).
class Fleet final : public DrainAwaiter {
 public:
  // What is in `parts` outlives Stop(). `places`: those of the subscriber hub, which drains of this server take.
  explicit Fleet(FleetParts parts, DrainAwaiter* places);
  ~Fleet() override;

  // Once. `hub` outlives Stop(). `address`: where others are told that this server is.
  void Start(WatchHub* hub, std::string address);
  // Ends this server's subscribers with `reason`, and then drains, also those that come later; and the record goes: not before the
  // subscribers, because the others wait for these for limits::kSubscriberGrace from then on. Does not block.
  void Drain(absl::Status reason);
  // Drains end and the record goes at once, and nothing happens any more. Idempotent.
  void Stop();

  // For people: why drains elsewhere do not wait for this server's subscribers, and none begins here; empty: they do.
  std::string problem() const;

  // DrainAwaiter, for the subscribers of all servers. kResourceExhausted also: limits::kDrainsMax drains of others wait, or the records of
  // so many that are over; there are more than kOtherServersMax others. kUnavailable, BACKEND_UNAVAILABLE: there is a problem().
  absl::StatusOr<uint64_t> TakeDrainPlace() override;
  void GiveBackDrainPlace() override { places_.GiveBackDrainPlace(); }
  void AwaitConfirmed(uint64_t number, DrainWait wait, DrainWaits::Done done) override;
  void EndWait(uint64_t number) override;

 private:
  void Loop();
  absl::Duration NextDue(absl::Duration now) const;
  void Leave(const absl::Status& reason);
  void OpenWatch();
  void OnPut(const FleetKey& key, const std::string& text, Revision revision, LeaseId lease_id);
  void OnGone(const FleetKey& key);
  void OnState(FleetKey::Kind kind, const absl::flat_hash_set<std::string>& names, Revision revision);
  void OnServerGone(const std::string& server);
  void OnIdentity(const std::optional<ServerIdentity>& identity);
  void NoteUnseen();
  void SetProblem(std::string problem);
  void Reach(Revision revision);
  void Admit();

  const FleetParts parts_;
  DrainAwaiter& places_;
  // At most a few tasks for each drain, one frame of the watch, and one answer each that the parts wait for.
  const std::shared_ptr<HubInbox> inbox_ = std::make_shared<HubInbox>();
  const FleetPost post_;

  // The thread's own.
  Membership membership_;
  Coordinator coordinator_;
  Participant participant_;
  WatchHub* hub_ = nullptr;
  std::shared_ptr<FleetWatch> watch_;
  absl::Duration watch_due_ = absl::InfiniteDuration();
  absl::Duration reach_due_ = absl::InfiniteDuration();  // When the catalog is asked for `reach_` again.
  Revision reach_ = 0;
  bool admitted_ = false;
  absl::Duration admit_due_ = absl::InfiniteDuration();
  absl::Duration unseen_due_ = absl::InfiniteDuration();  // When it has had no record for too long.
  absl::flat_hash_set<std::string> servers_;              // The others that the watch shows.
  absl::Status left_;

  mutable Mutex mu_;
  std::string problem_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_FLEET_FLEET_H_

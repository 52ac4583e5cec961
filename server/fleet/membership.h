#ifndef SCOUTLIGHT_SERVER_FLEET_MEMBERSHIP_H_
#define SCOUTLIGHT_SERVER_FLEET_MEMBERSHIP_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/entry.h"
#include "server/discovery/hub_inbox.h"
#include "server/fleet/fleet_records.h"
#include "storage/store.h"

namespace scoutlight::server {

// Its record ends so long after the server.
inline constexpr absl::Duration kServerTtl = absl::Seconds(10);

// As what a server is known to the others while its record is there.
struct ServerIdentity {
  std::string id;
  LeaseId lease_id = 0;
  Revision revision = 0;  // At which its record was put.
};

// Keeps a server's record in the store, on a lease of its own: grants that, puts the record, renews each third of kServerTtl; anew, under
// another id, when the lease is lost, or the answer to a put was. What the store refuses is tried again each second. Not thread-safe: all
// happens on the thread that `post` hands over to, which calls Serve() when it is due.
class Membership {
 public:
  // All outlive it. What is posted after its end must not run.
  struct Parts {
    storage::Store* store = nullptr;
    Clock* clock = nullptr;
    std::function<uint64_t()> random;
    std::function<void(HubInbox::Task)> post;  // From any thread.
    // The record is there; nullopt: it is no longer, though the server is.
    std::function<void(const std::optional<ServerIdentity>&)> on_changed;
  };

  explicit Membership(Parts parts) : parts_(std::move(parts)) {}

  // Once.
  void Join(ServerRecord record);
  // The record goes, and none comes any more.
  void Leave();
  // Somebody has been seen to take the record of this id away.
  void OnGone(const std::string& id);

  void Serve(absl::Duration now);
  // While an answer is awaited it is that which goes on.
  absl::Duration next_due() const { return asking_ ? absl::InfiniteDuration() : due_; }
  const std::optional<ServerIdentity>& identity() const { return identity_; }
  // What the store said last when it refused the record or its lease; OK: it has not answered, or the record is there.
  const absl::Status& trouble() const { return trouble_; }
  // Whether a record of this id is this server's, also while it is being put.
  bool IsOwn(const std::string& id) const { return id == id_; }

 private:
  void DrawId();
  void Grant();
  void OnGranted(const storage::LeaseResult& result);
  void Put(LeaseId lease_id);
  void OnPut(LeaseId lease_id, const storage::CommitResult& result);
  void Renew();
  void OnRenewed(LeaseId lease_id, const storage::Renewals& renewals);
  void Lose();
  void TryAgain(const absl::Status& why);
  void Revoke(LeaseId lease_id);

  const Parts parts_;
  std::optional<ServerRecord> record_;  // As long as it is to be there.
  std::string id_;                      // Of the record that is there, or is going to be.
  std::optional<ServerIdentity> identity_;
  absl::Status trouble_;
  bool asking_ = false;  // The store has not answered yet.
  absl::Duration due_ = absl::InfiniteDuration();
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_FLEET_MEMBERSHIP_H_

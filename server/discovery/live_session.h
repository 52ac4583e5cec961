#ifndef SCOUTLIGHT_SERVER_DISCOVERY_LIVE_SESSION_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_LIVE_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "discovery/claims.h"
#include "server/discovery/session.h"
#include "server/discovery/session_host.h"
#include "server/discovery/session_hub.h"
#include "server/discovery/session_outbox.h"

namespace scoutlight::server {

// One stream of the hub: its session, over the store, the registrar and the catalog, and what its client is to be written. Used on the
// hub's thread alone.
class LiveSession final : public SessionHost, public std::enable_shared_from_this<LiveSession> {
 public:
  // `hub` outlives it.
  LiveSession(SessionHub* hub, std::shared_ptr<SessionStream> stream, uint64_t connection);

  void Take(absl::StatusOr<SessionStep> step);
  void OnWritten();
  void OnChanged(const discovery::InstanceName& name);
  // Ends the stream now, whatever is left to be written.
  void Stop(const absl::Status& status);
  // Before it is let go of.
  void UnfollowAll();

  const std::string& session_id() const { return id_; }

  // SessionHost.
  void ReadRecord(Done<RecordRead> done) override;
  void PutRecord(const discovery::SessionRecord& record, Revision expected, Done<RecordChange> done) override;
  void DeleteRecord(Revision expected, Done<RecordChange> done) override;
  void Grant(absl::Duration ttl, Done<Lease> done) override;
  void Renew(LeaseId id, Done<Lease> done) override;
  void Revoke(LeaseId id, Done<Lease> done) override;
  void FindRegistered(LeaseId id, std::optional<discovery::InstanceName> after, Done<Registered> done) override;
  void Register(Registering registering, Done<Change> done) override;
  void Deregister(const discovery::InstanceName& name, Revision epoch, Revision incarnation, Done<Change> done) override;
  std::optional<Owner> Look(const discovery::InstanceName& name) override;
  bool Lacks(const discovery::InstanceName& name, const discovery::Properties& properties) override;
  uint64_t SchemasVersion() override;
  void SetSoftValues(const discovery::InstanceName& name, Revision epoch, discovery::SoftValues soft) override;
  void Follow(const discovery::InstanceName& name) override;
  void Unfollow(const discovery::InstanceName& name) override;
  void SendOpened(LeaseId lease_id, bool resumed, Revision revision) override;
  void SendAlive(LeaseId lease_id, Revision revision) override;
  void SendInstance(SessionInstance instance) override;
  void SendLeft(int fenced, Revision revision) override;
  void ReadNext() override;
  void End(const absl::Status& status) override;

 private:
  // What answers `done` on the hub's thread, while this is there and not over. To be called once, on any thread.
  template <typename T>
  SessionHost::Done<T> Later(Done<T> done);
  absl::Status TakeStep(SessionStep step);
  void CommitRecord(storage::Transaction transaction, Done<RecordChange> done);
  Guard GuardOf(Revision incarnation) const;
  // Writes and reads what there is and may be.
  void Flush();
  // The next frame, if the stream is free; when all is written and the session is over, the end.
  void WriteNext();

  SessionHub& hub_;
  const std::shared_ptr<SessionStream> stream_;
  const uint64_t connection_;
  std::string id_;                  // Empty: not opened.
  std::optional<Session> session_;  // From when it is opened.
  absl::Duration ttl_;
  SessionOutbox outbox_;
  absl::btree_set<discovery::InstanceName> followed_;
  std::weak_ptr<const discovery::Claims> schemas_;  // Looked at last, to tell others from them.
  uint64_t schemas_version_ = 1;
  bool writing_ = false;
  bool read_wanted_ = false;         // Once the client has taken in what it was answered.
  std::optional<absl::Status> end_;  // The session is over; the stream ends so when all is written.
  bool finished_ = false;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_LIVE_SESSION_H_

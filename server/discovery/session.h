#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SESSION_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "discovery/instance.h"
#include "discovery/names.h"
#include "server/discovery/session_declaration.h"
#include "server/discovery/session_host.h"

namespace scoutlight::server {

struct SoftUpdate {
  discovery::InstanceName name;
  discovery::SoftValues soft;
};

// kAborted, kFenced: the session was opened on another stream.
absl::Status OpenedElsewhere();

// One stream of a session: keeps the store so that what its client has declared is registered, on one lease, and tells the client how it
// stands. Opening puts the session's record; the revision of that put is the stream's incarnation, and all that the stream changes is
// conditional on it, so nothing that an older stream has under way acts after a newer one has opened, whichever servers they are on.
//
// When the lease has ended, it waits for the client's next message before it takes a new one: a client that has gone silent is gone.
// Not thread-safe, holds no clock. At most limits::kSessionChangesMax changes of instances are under way at a time. While over
// limits::kSessionInstancesMax are to go, the client's next message is not read; while so many are, no more of what the stream before has
// registered is looked at. So at most three times as many are to go, the most after a message that replaces all and removes others.
class Session {
 public:
  // `host` outlives it.
  Session(SessionHost* host, absl::Duration ttl) : host_(*host), ttl_(ttl) {}

  // Once, first.
  void Open();
  // The client's messages, each after SessionHost::ReadNext(). A part of a declaration is kept until the last one has come.
  // INVALID_ARGUMENT, INVALID_FIELD: as DeclarationParts::Add(), or over limits::kSessionInstancesMax, or limits::kBytesPerLeaseMax of
  // properties, would be wanted; nothing has changed.
  absl::Status Declare(Declaration declaration);
  void Heartbeat(const std::vector<SoftUpdate>& updates);
  // A declaration that is unfinished is dropped.
  void Leave();

  // An instance that it follows may have changed.
  void OnChanged(const discovery::InstanceName& name);

  // The revision at which its record was put; 0: it is not open.
  Revision incarnation() const { return incarnation_; }
  // Of each instance that it has registered, as far as it knows, and wants: its epoch.
  absl::btree_map<discovery::InstanceName, Revision> registered() const;

 private:
  enum class Phase {
    kOpening,
    kOpen,
    kLapsed,    // The lease has ended; the client has not been heard of since.
    kRenewing,  // Another is being taken in its place.
    kLeaving,
    kEnded,
  };
  // An instance that is wanted, or is to go.
  struct Member {
    discovery::Properties properties;
    size_t bytes = 0;  // Of the properties.
    bool wanted = true;
    bool take_over = false;  // Until it is registered.
    bool due = false;        // It must be changed.
    bool queued = false;     // In due_.
    bool under_way = false;
    bool retry = false;    // With the next heartbeat.
    bool filled = false;   // What it lacked was put back since the last heartbeat.
    bool lacking = false;  // It may lack something again.
    bool fill = false;     // The change that is due only puts back what it lacks.
    bool owed = true;      // The client hears of it even if nothing has changed.
    // What its schema has refused, by the version that was in force when it was asked; 0: it is not that.
    uint64_t refused_under = 0;
    uint64_t asked_under = 0;  // The schemas in force when it was registered last.
    int64_t declaration = 0;   // The newest that set or removed it.
    Revision epoch = 0;        // Of the session's registration; 0: none is known.
    SessionInstance told;
  };
  // Whose places stay as they are: those of members with a change under way, which are not erased, are kept by who answers it.
  using Members = std::map<discovery::InstanceName, Member>;

  // Opening, and taking a lease in the place of one that has ended (session.cc).
  void ReadRecord();
  void OnRecordRead(const SessionHost::RecordRead& read);
  void TakeLease();
  void PutRecord();
  void OnRecordPut(const SessionHost::RecordChange& put);
  void PutAgain();
  void OnOpen(Revision revision);
  void OnLeaseEnded();
  void RenewSession();
  // Is the record still this stream's, does the lease live?
  void CheckRecord();
  void RenewLease();
  void FinishHeartbeat(Revision revision);
  void BeginLeaving();
  void FinishLeaving();
  void End(const absl::Status& status);

  // The set, and its changes (session_changes.cc).
  struct Wanted {
    size_t instances = 0;
    size_t bytes = 0;  // Of their properties.
  };
  Wanted WantedAfter(const Declaration& declaration) const;
  absl::Status CheckWanted(const Declaration& declaration) const;
  void TakeDeclaration(Declaration declaration);
  void Want(Declaration::Wanted wanted, const Declaration& declaration);
  void Unwant(Members::iterator member, bool owed);
  // What the stream before has registered, some at a time.
  void FindEarlier();
  void OnEarlierFound(SessionHost::Registered registered);
  void RemoveEarlier();
  Members::iterator Add(const discovery::InstanceName& name);
  void Erase(Members::iterator member);
  void MarkDue(Members::iterator member);
  void Pump();
  void StartRegistering(Members::iterator member);
  void StartDeregistering(Members::iterator member);
  // False: what is answered is not of use any more.
  bool TakeAnswer(Members::iterator member, Revision incarnation, const SessionHost::Change& change);
  void OnRegistered(Members::iterator member, const SessionHost::Change& change);
  void OnDeregistered(Members::iterator member, const SessionHost::Change& change);
  void LookAt(Members::iterator member);
  // Puts back what somebody else has deleted of its properties: at once, but more often than heartbeats come only with those.
  void FillUp(Members::iterator member);
  void Lose(Members::iterator member, Revision revision);
  // Somebody else owns it: it is not wanted any more.
  void LetGo(Members::iterator member, const absl::Status& status, Revision revision);
  void Refuse(Members::iterator member, const absl::Status& status, Revision revision);
  void RetryRefused();
  void Tell(Members::iterator member, SessionState state, const absl::Status& status, Revision revision);
  void ReadNextIfFew();

  SessionHost& host_;
  const absl::Duration ttl_;
  Phase phase_ = Phase::kOpening;
  Revision incarnation_ = 0;
  LeaseId lease_ = 0;
  LeaseId lease_before_ = 0;  // The stream before had its instances on it; 0: there was none.
  LeaseId granted_ = 0;       // Not in the record yet.
  Revision expected_ = 0;     // Of the record, when it is put.
  bool resumed_ = false;
  int tries_ = 0;  // To put the record.

  DeclarationParts parts_;
  bool declared_ = false;  // Since it was opened.
  // What the stream before has registered: it is being asked for; what was found and is not looked at yet; what comes after that.
  bool finding_earlier_ = false;
  std::deque<discovery::InstanceName> earlier_;  // At most limits::kSessionInstancesMax.
  std::optional<discovery::InstanceName> earlier_next_;
  int64_t earlier_declaration_ = 0;  // That removes them.
  bool heartbeat_pending_ = false;   // Not answered yet.
  bool read_pending_ = false;        // The client's next message waits for removals.
  bool leave_pending_ = false;
  bool deleting_record_ = false;
  int fenced_ = 0;  // While leaving.
  Members members_;
  std::deque<discovery::InstanceName> due_;  // Each at most once.
  int under_way_ = 0;
  size_t removals_ = 0;      // Members that are not wanted.
  size_t wanted_bytes_ = 0;  // Of the properties of the others.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SESSION_H_

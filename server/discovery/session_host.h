#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SESSION_HOST_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SESSION_HOST_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "discovery/instance.h"
#include "discovery/names.h"
#include "discovery/system_records.h"

namespace scoutlight::server {

// How it stands with an instance of a session. On the wire: numbers are never reused.
enum class SessionState : uint8_t { kRegistered = 1, kRefused = 2, kFenced = 3, kLost = 4, kRemoved = 5 };

struct SessionInstance {
  discovery::InstanceName name;
  SessionState state = SessionState::kRegistered;
  Revision epoch = 0;       // Of kRegistered.
  absl::Status status;      // Of kRefused, and of kFenced as far as it is known.
  int64_t declaration = 0;  // That of the newest declaration that set or removed it.
  Revision revision = 0;    // Of a state that shows it; 0: not known.
};

// What a session asks of the store, the catalog and its client. Everything asked with a `Done` is answered once, later, on the session's
// thread, never inside the call, and not at all once the session is gone. Not thread-safe.
class SessionHost {
 public:
  template <typename T>
  using Done = absl::AnyInvocable<void(T) &&>;

  virtual ~SessionHost() = default;

  // The session's record.
  struct RecordRead {
    absl::Status status;
    Revision record_revision = 0;                    // At which it was put last; 0: there is none.
    std::optional<discovery::SessionRecord> record;  // None: it is not there, or cannot be read.
  };
  virtual void ReadRecord(Done<RecordRead> done) = 0;
  struct RecordChange {
    absl::Status status;           // OK also if the condition did not hold.
    bool held = false;             // It was as expected, and is changed.
    Revision record_revision = 0;  // At which it was put last; 0: there is none.
    Revision revision = 0;
  };
  // If it was put last at `expected` (0: if there is none). Puts it on its lease; kLeaseNotFound: that has ended.
  virtual void PutRecord(const discovery::SessionRecord& record, Revision expected, Done<RecordChange> done) = 0;
  virtual void DeleteRecord(Revision expected, Done<RecordChange> done) = 0;

  struct Lease {
    absl::Status status;  // kNotFound: there is none (any more).
    LeaseId id = 0;
    absl::Duration ttl;
    Revision revision = 0;
  };
  virtual void Grant(absl::Duration ttl, Done<Lease> done) = 0;
  virtual void Renew(LeaseId id, Done<Lease> done) = 0;
  virtual void Revoke(LeaseId id, Done<Lease> done) = 0;

  // The instances that are registered on a lease, whoever's they are: by name, those after `after`, at most limits::kSessionInstancesMax.
  // What is told of them by Look() afterwards is no older.
  struct Registered {
    absl::Status status;  // kNotFound: there is no such lease (any more).
    std::vector<discovery::InstanceName> names;
    bool more = false;  // Others come after them.
  };
  virtual void FindRegistered(LeaseId id, std::optional<discovery::InstanceName> after, Done<Registered> done) = 0;

  // Changes of instances, conditional on the record being that of `incarnation`.
  struct Change {
    absl::Status status;  // Of violated fields as many as fit into limits::kErrorViolationsBytesMax.
    Revision revision = 0;
    Revision epoch = 0;                    // Of a registration that is OK.
    std::optional<Revision> record_found;  // With an error: the record is not that of `incarnation`, but put at this; 0: it is not there.
  };
  struct Registering {
    discovery::InstanceName name;
    discovery::Properties properties;
    LeaseId lease_id = 0;
    Revision incarnation = 0;
    bool take_over = false;
    bool keep_stored = false;  // Properties that it has stay as they are, those that nobody declared too.
  };
  virtual void Register(Registering registering, Done<Change> done) = 0;
  virtual void Deregister(const discovery::InstanceName& name, Revision epoch, Revision incarnation, Done<Change> done) = 0;

  // Whose an instance is, as the catalog shows it: no older than any answer before. nullopt: there is no catalog.
  struct Owner {
    enum class Whose : uint8_t { kNobody, kOurs, kAnother };

    Whose whose = Whose::kNobody;
    Revision epoch = 0;
    bool outdated = false;  // Registered under a schema that its service is not bound to any more.
    Revision revision = 0;  // Of the catalog.
  };
  virtual std::optional<Owner> Look(const discovery::InstanceName& name) = 0;
  // Whether the catalog has the instance, without something stored for a property that is among these, whatever its value.
  virtual bool Lacks(const discovery::InstanceName& name, const discovery::Properties& properties) = 0;
  // Not 0; another whenever the catalog has come under other schemas or bindings.
  virtual uint64_t SchemasVersion() = 0;
  // If the instance is still that of `epoch`.
  virtual void SetSoftValues(const discovery::InstanceName& name, Revision epoch, discovery::SoftValues soft) = 0;
  // Whether Session::OnChanged() is to be called when an instance has changed.
  virtual void Follow(const discovery::InstanceName& name) = 0;
  virtual void Unfollow(const discovery::InstanceName& name) = 0;

  // To the client.
  virtual void SendOpened(LeaseId lease_id, bool resumed, Revision revision) = 0;
  virtual void SendAlive(LeaseId lease_id, Revision revision) = 0;
  virtual void SendInstance(SessionInstance instance) = 0;
  virtual void SendLeft(int fenced, Revision revision) = 0;
  // The client may send its next message.
  virtual void ReadNext() = 0;
  // The session is over. The last call.
  virtual void End(const absl::Status& status) = 0;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SESSION_HOST_H_

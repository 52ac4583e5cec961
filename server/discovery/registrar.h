#ifndef SCOUTLIGHT_SERVER_DISCOVERY_REGISTRAR_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_REGISTRAR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/key.h"
#include "discovery/instance.h"
#include "discovery/service_snapshot.h"
#include "server/discovery/catalog_feed.h"
#include "storage/store.h"

namespace scoutlight::server {

// What a change of an instance is conditional on beside the instance: the key was put last at `revision`.
struct Guard {
  Key key;
  Revision revision = 0;
};

// What is to be registered. Names have passed CheckInstance, but for the id, which may be empty; properties have, but those of a session,
// which are refused one by one.
struct Registration {
  discovery::InstanceName name;  // Without id: one is drawn.
  discovery::Properties properties;
  std::optional<absl::Duration> ttl;  // A lease of its own; within the store's bounds.
  LeaseId lease_id = 0;               // Else this one; 0: it stays.
  bool take_over = false;
  bool keep_status = false;  // One that is draining stays so, if this session owns it already.
  // If it does, the properties that are stored stay as they are, those that are not among `properties` too, unless the schema forbids that.
  bool keep_stored = false;
  std::string session;
  std::optional<Guard> guard;
  storage::Origin origin;  // Of the request: its connection, and its id if it has one.
};

struct Update {
  discovery::InstanceName name;
  discovery::Properties set;
  std::vector<std::string> remove;
  bool replace = false;
  Revision epoch = 0;      // 0: whoever owns it.
  storage::Origin origin;  // As Registration::origin.
};

struct Deregistration {
  discovery::InstanceName name;
  Revision epoch = 0;
  std::optional<Guard> guard;
  storage::Origin origin;
};

struct DrainChange {
  discovery::InstanceName name;
  Revision epoch = 0;      // 0: whoever owns it.
  storage::Origin origin;  // As Registration::origin.
};

// An instance after a change.
struct ChangedInstance {
  absl::Status status;
  Revision revision = 0;
  discovery::InstancePtr instance;  // With OK; of a deregistration null.
  bool unchanged = false;           // It was so already. Of a deregistration: it was not there.
  bool replayed = false;            // The request was carried out before, and nothing has changed now.
  // With an error: the guard did not hold. The revision at which its key was put last; 0: it is not there.
  std::optional<Revision> guard_found;
};

// Changes registrations: reads what the catalog has, and commits on the condition that it is still so, record, binding and schema, a few
// times if need be. An owner's change is conditional on its epoch. What it answers, the catalog shows. Waits for nothing; `done` runs under
// no lock, maybe inside the call. Thread-safe.
class Registrar {
 public:
  // All outlive it and every call. `random`: for ids; called from any thread.
  struct Parts {
    storage::Store* store = nullptr;
    CatalogFeed* feed = nullptr;
    Clock* clock = nullptr;
    std::function<uint64_t()> random;
  };

  explicit Registrar(Parts parts) : parts_(std::move(parts)) {}

  using Done = absl::AnyInvocable<void(ChangedInstance) &&>;
  // After every error nothing has changed, but for kUnknown, and for kAborted and kNotFound of a change that another followed at once.
  // Errors as RegistrationService tells them; fields as in its requests ("instance.properties.port").
  // A request with an id that has changed something is known by that for the store's window. A repetition changes nothing: it is answered
  // with the instance as it is now, or with kNotFound or kAborted, kFenced, if that is gone or somebody else's by now.
  // A guard that does not hold: kAborted, kFenced, and `guard_found`. Of a change that has nothing to write it is not asked.
  void Register(Registration registration, Done done);
  void Change(Update update, Done done);
  void Deregister(Deregistration deregistration, Done done);
  // Makes the instance's status DRAINING. The revision answered is that since which it has been so. One that is so already is left alone.
  void Drain(DrainChange change, Done done);

 private:
  const Parts parts_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_REGISTRAR_H_

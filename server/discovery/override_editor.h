#ifndef SCOUTLIGHT_SERVER_DISCOVERY_OVERRIDE_EDITOR_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_OVERRIDE_EDITOR_H_

#include <cstdint>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "discovery/instance.h"
#include "discovery/names.h"
#include "server/discovery/catalog_feed.h"
#include "storage/store.h"

namespace scoutlight::server {

// What came of a change of an override.
struct OverrideChange {
  absl::Status status;
  Revision revision = 0;
  bool found = false;                           // Of a deletion: it was there.
  bool replayed = false;                        // The request was carried out before, and nothing has changed now.
  std::optional<discovery::Override> override;  // Of Put, with OK: as put; of a repetition as it is now, if it is there.
};

// Puts and deletes overrides, with the leases of those that expire. What it answers, the catalog shows. Errors as RegistrationService tells
// them; after each but kUnknown nothing has changed. Waits for nothing; `done` runs under no lock, maybe inside the call. Thread-safe.
class OverrideEditor {
 public:
  // Both outlive it and every call.
  OverrideEditor(storage::Store* store, CatalogFeed* feed) : store_(*store), feed_(*feed) {}

  using Done = absl::AnyInvocable<void(OverrideChange) &&>;
  // `ttl`: within the store's bounds; none: until it is deleted. A request with an id that has changed something is known by that for the
  // store's window.
  void Put(discovery::InstanceName name, discovery::Override override, std::optional<absl::Duration> ttl, storage::Origin origin,
           Done done);
  void Delete(discovery::InstanceName name, storage::Origin origin, Done done);

 private:
  struct Putting;

  void Commit(Putting putting, LeaseId lease_id);
  // Of what was carried out at `revision`: with the override that is there now.
  void AnswerRepeated(Putting putting, Revision revision);
  std::optional<discovery::Override> Now(const discovery::InstanceName& name) const;
  void AnswerWhenShown(OverrideChange change, Done done);

  storage::Store& store_;
  CatalogFeed& feed_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_OVERRIDE_EDITOR_H_

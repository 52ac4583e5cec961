#ifndef SCOUTLIGHT_SERVER_DISCOVERY_PRESENT_INSTANCE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_PRESENT_INSTANCE_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/entry.h"
#include "discovery/catalog.h"
#include "discovery/names.h"
#include "discovery/schema.h"
#include "discovery/stored_instance.h"
#include "server/discovery/catalog_feed.h"
#include "storage/store.h"

namespace scoutlight::server {

// What a change of an instance starts from.
struct PresentInstance {
  std::shared_ptr<discovery::Catalog> catalog;
  Revision revision = 0;                      // Of the catalog before this was looked up: a lower bound.
  Revision claims_revision = 0;               // The catalog's schemas and bindings are those of the store up to here.
  const discovery::Schema* schema = nullptr;  // Its service's. Valid as long as the catalog.
  discovery::StoredInstance stored;           // What `schema` reads as the instance's.
  discovery::Ownership ownership;

  // If it was registered under a schema with other keys, and its service has been bound to `schema` since: that schema, and what the
  // instance still has there. Null, and nothing: it was not, or the schema is no more.
  std::shared_ptr<const discovery::Schema> written;
  discovery::StoredInstance left;
};

// Reads what the catalog has of an instance, there or not, and what is left of it under another schema; that is read from the store, and
// bounded by what one transaction may change. Keys that are another instance's by now are not among it, with one exception: where that
// schema keeps a whole instance in one key, which the registration has written, it counts as left unless the other is registered.
//   kUnavailable, kCatalogLoading           there is no catalog yet
//   kFailedPrecondition, kDiscoveryOff      its service is bound to no schema
//   kInvalidArgument, kTransactionTooLarge  too much is left
//   and those of Store::Read
// Waits for nothing; `done` runs under no lock, maybe inside the call. `store` outlives that. Thread-safe.
void ReadPresentInstance(storage::Store* store, const CatalogFeed& feed, const discovery::InstanceName& name,
                         absl::AnyInvocable<void(absl::StatusOr<PresentInstance>) &&> done);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_PRESENT_INSTANCE_H_
